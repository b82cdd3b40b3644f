{{- define "app.labels" -}}
app: {{ .Values.name }}

{{ template "app.tail" . }}
last: "1"
{{- end }}
{{- define "app.tail" -}}
tail: {{ .Values.port.number }}
{{- end }}
