{{- define "selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "metadata" -}}
name: {{ .root.Release.Name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "selector" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}
