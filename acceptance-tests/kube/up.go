package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata"

	"go.etcd.io/etcd/server/v3/embed"
)

// What namespaces, accounts, owners and workloads need. Nodes that nobody beats the heart of stay ready.
const defaultControllers = "*,-node-lifecycle-controller"

func up(arguments []string) {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	dir := flags.String("dir", "", "folder for keys, logs and data; must be fresh")
	count := flags.Int("clusters", 1, "number of clusters")
	controllers := flags.String("controllers", defaultControllers, "--controllers of kube-controller-manager, or none")
	scheduler := flags.Bool("scheduler", false, "run kube-scheduler too")
	check(flags.Parse(arguments))
	if *dir == "" {
		fail("--dir is required")
	}
	check(os.MkdirAll(*dir, 0o755))
	root := must(filepath.Abs(*dir))

	etcd, endpoint := startEtcd(root)
	defer etcd.Close()
	var clusters []*cluster
	for number := 1; number <= *count; number++ {
		clusters = append(clusters, newCluster(root, fmt.Sprintf("c%d", number), endpoint))
	}
	ready := []string{"READY"}
	for _, one := range clusters {
		one.awaitReady(2 * time.Minute)
		if *controllers != "none" {
			one.startControllers(*controllers)
		}
		if *scheduler {
			one.startScheduler()
		}
		ready = append(ready, one.name+"="+one.kubeconfig)
	}
	fmt.Println(strings.Join(ready, " "))

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	<-stop.Done()
	for _, one := range clusters {
		one.stop()
	}
}

func startEtcd(root string) (*embed.Etcd, string) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(root, "etcd")
	config.LogLevel, config.LogOutputs = "error", []string{filepath.Join(root, "etcd.log")}
	client, peer := loopback("http"), loopback("http")
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true
	etcd := must(embed.StartEtcd(config))
	<-etcd.Server.ReadyNotify()
	return etcd, client.String()
}

func loopback(scheme string) url.URL {
	return url.URL{Scheme: scheme, Host: fmt.Sprintf("127.0.0.1:%d", freePort())}
}

func freePort() int {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// start runs one of this program's other commands; it is killed when this process ends, however it ends.
func start(dir, command string, arguments ...string) *exec.Cmd {
	child := exec.Command(must(os.Executable()), append([]string{command}, arguments...)...)
	log := must(os.Create(filepath.Join(dir, command+".log")))
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(child.Start())
	return child
}

func write(path string, content []byte) string {
	check(os.MkdirAll(filepath.Dir(path), 0o755))
	check(os.WriteFile(path, content, 0o600))
	return path
}
