{{- define "app.part" }}
labels: {{ include "app.lables" . }}
{{- end }}
{{- define "app.labels" }}{a: b}{{ end }}
