package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// size says how large a generated chart is.
type size struct {
	name       string
	components int
	dashboards int
	subchart   bool
}

// sizes are those of a chart for one program, of one for a few, and of a whole platform: more than a hundred objects
// and half a megabyte.
var sizes = []size{
	{name: "small", components: 1},
	{name: "median", components: 6, dashboards: 2, subchart: true},
	{name: "large", components: 40, dashboards: 60, subchart: true},
}

// generate writes the charts: the way large public charts are written, with a library of helpers that take dicts,
// texts rendered by tpl, checksums, switches, and values with a comment on every line.
func generate(folder string) error {
	for _, size := range sizes {
		for name, content := range chartFiles(size) {
			file := filepath.Join(folder, size.name, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func chartFiles(size size) map[string]string {
	files := map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: " + size.name + "\nversion: 1.0.0\nappVersion: \"2.3.4\"\n",
		"templates/_helpers.tpl":  helpers,
		"templates/NOTES.txt":     "{{ .Chart.Name }} {{ .Release.Name }} runs.\n",
		".helmignore":             "*.bak\n*.tmp\n.git/\n.idea/\n*.orig\nci/\n",
		"templates/account.yaml":  account,
		"templates/policies.yaml": policies,
	}
	var values strings.Builder
	values.WriteString("# Labels of every object.\ncommonLabels:\n  team: '{{ .Release.Name }}-team'\nglobal:\n  imageRegistry: registry.example.com\nserviceAccount:\n  create: true\nnetworkPolicy:\n  enabled: true\n")
	for at := range size.components {
		name := fmt.Sprintf("component%d", at)
		values.WriteString(strings.ReplaceAll(componentValues, "COMPONENT", name))
		for kind, template := range componentTemplates {
			files["templates/"+name+"/"+kind+".yaml"] = strings.ReplaceAll(template, "COMPONENT", name)
		}
	}
	for at := range size.dashboards {
		name := fmt.Sprintf("board%d", at)
		files["templates/dashboards/"+name+".yaml"] = dashboard(name)
	}
	if size.subchart {
		files["Chart.yaml"] += "dependencies:\n- name: small\n  version: 1.0.0\n  condition: small.enabled\n"
		values.WriteString("small:\n  enabled: true\n  component0:\n    replicaCount: 3\n")
		for name, content := range chartFiles(sizes[0]) {
			files["charts/small/"+name] = content
		}
	}
	files["values.yaml"] = values.String()
	return files
}

// dashboard returns a ConfigMap with a panel description in JSON, most of it plain text.
func dashboard(name string) string {
	var panels []string
	for at := range 24 {
		panels = append(panels, strings.ReplaceAll(panel, "NUMBER", fmt.Sprint(at)))
	}
	return strings.NewReplacer("NAME", name, "PANELS", strings.Join(panels, ",\n")).Replace(dashboardTemplate)
}
