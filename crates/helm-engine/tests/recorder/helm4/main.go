// Helm4 answers the recorder's questions with Helm 4's own library: one chart per line of JSON in, what
// its template c/templates/t renders to, or the error of `helm template`, out. It follows the steps of
// action.Install with a client dry run up to the rendered files, so the text is what Helm had before splitting.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sort"

	"helm.sh/helm/v4/pkg/action"
	chartapi "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/engine"
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
	folder, err := os.MkdirTemp("", "helm4")
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
	if err := chartutil.ProcessDependencies(loaded, user); err != nil {
		return "", fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	scope, err := util.ToRenderValuesWithSchemaValidation(loaded, user, release, caps, false)
	if err != nil {
		return "", err
	}
	if want := loaded.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return "", fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", want, caps.KubeVersion.Version)
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
		var listed []chartapi.Dependency
		for _, one := range wanted {
			listed = append(listed, one)
		}
		if err := action.CheckDependencies(loaded, listed); err != nil {
			return fmt.Errorf("an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: %w", err)
		}
	}
	return nil
}

func flags(asked question) (values.Options, common.ReleaseOptions, *common.Capabilities, error) {
	var options values.Options
	release := common.ReleaseOptions{Name: "release-name", Namespace: "default", Revision: 1, IsInstall: true}
	caps := common.DefaultCapabilities.Copy()
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
	parsed, err := common.ParseKubeVersion(kube)
	if err != nil {
		return options, release, caps, fmt.Errorf("invalid kube version '%s': %s", kube, err)
	}
	caps.KubeVersion = *parsed
	return options, release, caps, nil
}

func buffered(files map[string][]byte) []*archive.BufferedFile {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	var sorted []*archive.BufferedFile
	for _, name := range names {
		sorted = append(sorted, &archive.BufferedFile{Name: name, Data: files[name]})
	}
	return sorted
}
