package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// loop loads and renders a chart with the steps of action.Install and a client dry run, and prints the last render's
// number of objects and bytes.
func loop(chart string, count int) error {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	objects, bytes := 0, 0
	for range count {
		var err error
		if objects, bytes, err = loadAndRender(chart); err != nil {
			return err
		}
	}
	fmt.Println(objects, bytes, peakKiB())
	return nil
}

// peakKiB reads the most memory this process ever had, where Linux tells.
func peakKiB() (peak int64) {
	status, _ := os.ReadFile("/proc/self/status")
	if _, behind, found := strings.Cut(string(status), "VmHWM:"); found {
		fmt.Sscan(behind, &peak)
	}
	return peak
}

func loadAndRender(folder string) (objects, bytes int, err error) {
	chart, err := loader.Load(folder)
	if err != nil {
		return 0, 0, err
	}
	values := map[string]any{}
	if err := chartutil.ProcessDependencies(chart, values); err != nil {
		return 0, 0, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion("v1.34.0")
	if err != nil {
		return 0, 0, err
	}
	capabilities.KubeVersion = *version
	options := common.ReleaseOptions{Name: "release-name", Namespace: "default", Revision: 1, IsInstall: true}
	seen, err := util.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return 0, 0, err
	}
	files, err := engine.Render(chart, seen)
	if err != nil {
		return 0, 0, err
	}
	for name := range files {
		if path.Base(name) == "NOTES.txt" {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return 0, 0, err
	}
	var text strings.Builder
	for _, manifest := range manifests {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	for _, hook := range hooks {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
	}
	return len(manifests) + len(hooks), text.Len(), nil
}
