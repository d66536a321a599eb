{{- define "mailer.labels" -}}
app.kubernetes.io/name: mailer
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "mailer.selector" -}}
app.kubernetes.io/name: mailer
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailer.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- printf "%s/%s:%s" .Values.registry .Values.image.repository $tag -}}
{{- end }}
