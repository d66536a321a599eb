// Helm3 answers the recorder's questions with Helm 3's own library: one chart per line of JSON in, what
// its template c/templates/t renders to, or the error of `helm template`, out. It follows the steps of
// action.Install with ClientOnly up to the rendered files, so the text is what Helm had before splitting.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sort"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/engine"
)

type question struct {
	Files map[string][]byte
	User  []byte
	Flags []string
}

type answer struct {
	Text   []byte
	Failed bool
}

func main() {
	log.SetOutput(io.Discard)
	folder, err := os.MkdirTemp("", "helm3")
	if err != nil {
		panic(err)
	}
	if err := os.Chdir(folder); err != nil {
		panic(err)
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		text, err := render(asked)
		reply := answer{Text: []byte(text)}
		if err != nil {
			reply = answer{Text: []byte(err.Error()), Failed: true}
		}
		if err := out.Encode(reply); err != nil {
			panic(err)
		}
	}
	_ = os.RemoveAll(folder)
}

func render(asked question) (string, error) {
	options, release, caps, err := flags(asked)
	if err != nil {
		return "", err
	}
	user, err := options.MergeValues(nil)
	if err != nil {
		return "", err
	}
	loaded, err := loader.LoadFiles(buffered(asked.Files))
	if err != nil {
		return "", err
	}
	if err := installable(loaded); err != nil {
		return "", err
	}
	if err := chartutil.ProcessDependenciesWithMerge(loaded, user); err != nil {
		return "", err
	}
	scope, err := chartutil.ToRenderValuesWithSchemaValidation(loaded, user, release, caps, false)
	if err != nil {
		return "", err
	}
	if want := loaded.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return "", fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", want, caps.KubeVersion.String())
	}
	files, err := new(engine.Engine).Render(loaded, scope)
	if err != nil {
		return "", err
	}
	return files[loaded.Name()+"/templates/t"], nil
}

func installable(loaded *chart.Chart) error {
	if kind := loaded.Metadata.Type; kind != "" && kind != "application" {
		return fmt.Errorf("%s charts are not installable", kind)
	}
	if wanted := loaded.Metadata.Dependencies; wanted != nil {
		if err := action.CheckDependencies(loaded, wanted); err != nil {
			return fmt.Errorf("An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: %w", err)
		}
	}
	return nil
}

func flags(asked question) (values.Options, chartutil.ReleaseOptions, *chartutil.Capabilities, error) {
	var options values.Options
	release := chartutil.ReleaseOptions{Name: "release-name", Namespace: "default", Revision: 1, IsInstall: true}
	caps := chartutil.DefaultCapabilities.Copy()
	kube := "v1.34.0"
	if asked.User != nil {
		if err := os.WriteFile("u.yaml", asked.User, 0o600); err != nil {
			panic(err)
		}
		options.ValueFiles = []string{"u.yaml"}
	}
	for i := 0; i+1 < len(asked.Flags); i += 2 {
		value := asked.Flags[i+1]
		switch asked.Flags[i] {
		case "--set":
			options.Values = append(options.Values, value)
		case "--set-string":
			options.StringValues = append(options.StringValues, value)
		case "--set-json":
			options.JSONValues = append(options.JSONValues, value)
		case "--set-literal":
			options.LiteralValues = append(options.LiteralValues, value)
		case "--kube-version":
			kube = value
		case "--namespace":
			release.Namespace = value
		case "-a":
			caps.APIVersions = append(caps.APIVersions, value)
		default:
			panic("unknown flag " + asked.Flags[i])
		}
	}
	parsed, err := chartutil.ParseKubeVersion(kube)
	if err != nil {
		return options, release, caps, fmt.Errorf("invalid kube version '%s': %s", kube, err)
	}
	caps.KubeVersion = *parsed
	return options, release, caps, nil
}

func buffered(files map[string][]byte) []*loader.BufferedFile {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	var sorted []*loader.BufferedFile
	for _, name := range names {
		sorted = append(sorted, &loader.BufferedFile{Name: name, Data: files[name]})
	}
	return sorted
}
