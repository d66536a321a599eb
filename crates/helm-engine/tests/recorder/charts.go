package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// recordCharts renders every chart below folder: NAME/chart is the chart, each NAME/flags.VARIANT has one
// argument per line; it is rendered without flags too. Other files beside it (values, files for --set-file) are found by relative path.
// The answers are expected.v3.yaml and expected.v4.yaml, or expected.v3.error and so on.
func (p *programs) recordCharts(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := p.recordChart(filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (p *programs) recordChart(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	variants, err := filepath.Glob(filepath.Join(folder, "flags.*"))
	if err != nil {
		return err
	}
	for _, variant := range append(variants, "") {
		if err := p.recordVariant(folder, variant); err != nil {
			return err
		}
	}
	return nil
}

// recordVariant renders with one flags file: "flags.NAME" gives "expected.NAME.v3.yaml".
func (p *programs) recordVariant(folder, flags string) error {
	suffix := strings.TrimPrefix(filepath.Ext(flags), ".")
	if suffix != "" {
		suffix += "."
	}
	arguments, err := readFlags(flags)
	if err != nil {
		return err
	}
	for version, binary := range map[string]string{"v3": p.helm3, "v4": p.helm4} {
		target := filepath.Join(folder, "expected."+suffix+version)
		if _, err := os.Stat(target + ".yaml"); err == nil && !p.all {
			continue
		}
		if _, err := os.Stat(target + ".error"); err == nil && !p.all {
			continue
		}
		first := helmTemplate(binary, folder, append([]string{"release-name", "chart"}, arguments...))
		second := helmTemplate(binary, folder, append([]string{"release-name", "chart"}, arguments...))
		if !first.equal(&second) {
			fmt.Printf("rejected, two runs differ: %s\n", target)
			continue
		}
		_, _ = os.Remove(target+".yaml"), os.Remove(target+".error")
		ending := ".yaml"
		if first.Failed {
			ending = ".error"
		}
		fmt.Printf("%s%s\n", target, ending)
		if err := os.WriteFile(target+ending, first.Text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readFlags(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"), nil
}

// crossCheck asks the real binaries for every n-th template case and compares with the recorded answer.
func (p *programs) crossCheck(path string, every int) error {
	file, err := readCaseFile(path)
	if err != nil || file.manifests {
		return err
	}
	checked, different := 0, 0
	for i, b := range file.blocks {
		if !b.isCase() || i%every != 0 || b.v3 == nil {
			continue
		}
		checked++
		for _, side := range []struct {
			binary string
			want   *answer
		}{{p.helm3, b.v3}, {p.helm4, b.v4}} {
			if got, ok := wholeOutput(side.binary, b.chart(), side.want); !ok {
				different++
				fmt.Printf("differs from the binary: %s: %s\n--- recorded\n%s\n--- binary\n%s\n", path, b.name(), side.want.Text, got)
			}
		}
	}
	fmt.Printf("%-60s %5d checked against the binaries, %d differ\n", path, checked, different)
	return nil
}

// wholeOutput renders the case inside a define and prints it as one JSON text, so that the binary's
// splitting does not change what the template wrote.
func wholeOutput(binary string, c chart, want *answer) (string, bool) {
	if !want.Failed {
		c.Files["templates/_asked"] = []byte(`{{ define "asked" }}` + string(c.Files["templates/t"]) + `{{ end }}`)
		c.Files["templates/t"] = []byte("kind: A\ntext: {{ include \"asked\" . | replace \"<no value>\" \"\" | toJson }}\n")
	}
	got := runHelm(binary, c)
	if want.Failed {
		text := strings.TrimSuffix(string(got.Text), "\n\nUse --debug flag to render out invalid YAML")
		return text, got.Failed && text == string(want.Text)
	}
	return string(got.Text), !got.Failed && strings.Contains(string(got.Text), "text: "+toJSON(string(want.Text)))
}

func toJSON(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}
