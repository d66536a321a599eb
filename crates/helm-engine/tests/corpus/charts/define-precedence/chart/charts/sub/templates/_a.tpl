{{ define "who" }}sub{{ end }}{{ define "sub.name" }}{{ .Chart.Name }} {{ .Values | toJson }}{{ end }}
