// Bench loads and renders a chart again and again with Helm 4's own library, in one process, and prints the
// processor time of one round in microseconds and the process's largest memory in KiB.
//
//	bench CHART ROUNDS
package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strconv"
	"syscall"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

func main() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	rounds, err := strconv.Atoi(os.Args[2])
	if err != nil || rounds < 1 {
		fmt.Fprintln(os.Stderr, "usage: bench CHART ROUNDS")
		os.Exit(1)
	}
	before := usage()
	for range rounds {
		if err := render(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	after := usage()
	fmt.Println((micros(after)-micros(before))/int64(rounds), after.Maxrss)
}

func render(path string) error {
	loaded, err := loader.Load(path)
	if err != nil {
		return err
	}
	kube, err := common.ParseKubeVersion("v1.34.0")
	if err != nil {
		return err
	}
	install := action.NewInstall(new(action.Configuration))
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName = "release-name"
	install.Namespace = "default"
	install.KubeVersion = kube
	_, err = install.Run(loaded, map[string]any{})
	return err
}

func usage() syscall.Rusage {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used
}

func micros(used syscall.Rusage) int64 {
	return used.Utime.Nano()/1000 + used.Stime.Nano()/1000
}
