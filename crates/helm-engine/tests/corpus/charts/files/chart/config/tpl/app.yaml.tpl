name: {{ .Release.Name }}
list:
{{- range until 3 }}
  - {{ . }}
{{- end }}
