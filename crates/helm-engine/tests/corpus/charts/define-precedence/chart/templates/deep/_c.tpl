{{ define "who" }}top deep{{ end }}{{ define "block" }}from deep{{ end }}
