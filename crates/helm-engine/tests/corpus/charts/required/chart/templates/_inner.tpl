{{ define "inner" }}
  {{- required (printf "%s: set .Values.name!" .Chart.Name) .Values.name }}
{{- end }}
{{ define "outer" }}{{ include "inner" . | quote }}{{ end }}
