package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

type programs struct{ engineLoop, engine, helm string }

// usage is what a process took.
type usage struct {
	cpu, wall time.Duration
	output    string
}

// processRuns is how often a program is started; the fastest counts, since other work only ever slows one down.
const processRuns = 5

// aim is how much CPU time a measured loop should take.
const aim = time.Second

// compare prints one line per chart: CPU per load and render, processes, and memory, ours against Helm's.
func compare(with programs, charts []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("| chart | objects | KiB | library CPU ms: engine | Helm | ratio | traced | process wall ms: engine | Helm | ratio | process CPU ms: engine | Helm | ratio | peak MiB: engine | Helm |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, chart := range charts {
		if err := line(with, self, chart); err != nil {
			fmt.Fprintf(os.Stderr, "%s: skipped: %v\n", chart, err)
		}
	}
	return nil
}

func line(with programs, self, chart string) error {
	ours, once, err := perRender(chart, with.engineLoop, chart)
	if err != nil {
		return err
	}
	traced, _, err := perRender(chart, with.engineLoop, chart, "full")
	if err != nil {
		return err
	}
	theirs, theirOnce, err := perRender(chart, self, "loop", chart)
	if err != nil {
		return err
	}
	engine, err := fastest(with.engine, chart, "--kube-version", "v1.34.0")
	if err != nil {
		return err
	}
	helm, err := fastest(with.helm, "template", "release-name", chart, "--kube-version", "v1.34.0")
	if err != nil {
		return err
	}
	var objects, bytes, ourPeak, theirPeak int
	if _, err := fmt.Sscan(once.output, &objects, &bytes, &ourPeak); err != nil {
		return err
	}
	if _, err := fmt.Sscan(theirOnce.output, new(int), new(int), &theirPeak); err != nil {
		return err
	}
	fmt.Printf("| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %d |\n",
		filepath.Base(chart), objects, bytes/1024,
		milliseconds(ours), milliseconds(theirs), ratio(theirs, ours), milliseconds(traced),
		milliseconds(engine.wall), milliseconds(helm.wall), ratio(helm.wall, engine.wall),
		milliseconds(engine.cpu), milliseconds(helm.cpu), ratio(helm.cpu, engine.cpu),
		ourPeak/1024, theirPeak/1024)
	return nil
}

// perRender returns the CPU time of one load and render once the program is warm, and what a process of one took. The
// count goes behind the chart.
func perRender(chart, program string, args ...string) (time.Duration, usage, error) {
	counted := func(count int) []string {
		var out []string
		for _, arg := range args {
			out = append(out, arg)
			if arg == chart {
				out = append(out, strconv.Itoa(count))
			}
		}
		return out
	}
	once, err := fastest(program, counted(1)...)
	if err != nil {
		return 0, usage{}, err
	}
	count := max(5, min(400, int(aim/max(once.cpu, time.Millisecond))))
	many, err := measure(program, counted(1+count)...)
	return (many.cpu - once.cpu) / time.Duration(count), once, err
}

func fastest(program string, args ...string) (usage, error) {
	best, err := measure(program, args...)
	for at := 1; at < processRuns && err == nil; at++ {
		var next usage
		next, err = measure(program, args...)
		best.cpu, best.wall = min(best.cpu, next.cpu), min(best.wall, next.wall)
	}
	return best, err
}

func measure(program string, args ...string) (usage, error) {
	command := exec.Command(program, args...)
	start := time.Now()
	output, err := command.Output()
	wall := time.Since(start)
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	state := command.ProcessState
	return usage{cpu: state.UserTime() + state.SystemTime(), wall: wall, output: string(output)}, nil
}

func milliseconds(duration time.Duration) string {
	return fmt.Sprintf("%.1f", float64(duration)/float64(time.Millisecond))
}

func ratio(theirs, ours time.Duration) string {
	return fmt.Sprintf("%.1f ×", float64(theirs)/float64(max(ours, 1)))
}
