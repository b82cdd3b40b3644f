{{- define "app.name" -}}
{{ .Values.name | upper }}
{{- end }}
{{- define "app.port" -}}
{{ required "a port is needed" .Values.port.nmber }}
{{- end }}
