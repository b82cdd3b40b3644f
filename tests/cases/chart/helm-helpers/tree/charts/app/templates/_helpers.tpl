{{- define "app.name" -}}x{{- end -}}
