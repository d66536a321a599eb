{{- define "deep.one" -}}
one: {{ include "deep.two" . }}
{{- end -}}
{{- define "deep.two" -}}
two: {{ tpl "{{ include \"deep.three\" . }}" . }}
{{- end -}}
{{- define "deep.three" -}}
  {{ .Values.missing.key }}
{{- end -}}
