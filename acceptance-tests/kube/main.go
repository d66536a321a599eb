// control-plane runs real Kubernetes API servers for the acceptance tests: etcd embedded in this process, and
// kube-apiserver, kube-controller-manager and kube-scheduler as their real commands, each a child of it. All clusters of
// one run share one etcd under different prefixes. Everything listens on loopback, on ports that are free.
//
//	control-plane up --dir D --clusters 2 [--controllers LIST|none] [--scheduler]
//
// prints one line when all answer, `READY NAME=KUBECONFIG …`, and ends with its children when its standard input closes.
// The module's tools, built the same way, are real peers: Flux's controllers and kwok. So that the former run where Flux is
// installed, in the place of nodes,
//
//	control-plane agent --kubeconfig K --dir D --programs FOLDER
package main

import (
	"fmt"
	"os"
	"runtime"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func init() {
	// Children die with the thread that started them; this keeps that thread alive as long as the process.
	runtime.LockOSThread()
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: control-plane up|agent|kube-apiserver|kube-controller-manager|kube-scheduler …")
	}
	command := os.Args[1]
	os.Args = os.Args[1:]
	switch command {
	case "up":
		up(os.Args[1:])
	case "agent":
		agent(os.Args[1:])
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	default:
		fail("unknown command %q", command)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "control-plane: "+format+"\n", arguments...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}
