{{- define "library.map" -}}
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {from: library}
{{- end }}
