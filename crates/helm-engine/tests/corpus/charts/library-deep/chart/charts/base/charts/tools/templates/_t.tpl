{{ define "tools.value" }}{{ .Chart.Name | upper }}{{ end }}
