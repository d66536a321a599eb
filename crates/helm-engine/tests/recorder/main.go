// Recorder writes the real Helm's answers beside the cases of the corpus.
//
//	recorder -helm3 BIN -helm4 BIN -answer3 BIN -answer4 BIN [-all] CORPUS
//
// Template cases go to the two answer programs (helm3/, helm4/), which call Helm's own library in one
// process; files that open with "% manifests" and the charts in CORPUS/charts go to the real binaries.
// A case whose answers differ between two runs is taken out of its file and named.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const kubeVersion = "v1.34.0"

type programs struct {
	helm3, helm4     string
	answer3, answer4 [2]*answerer
	all              bool
}

func main() {
	helm3 := flag.String("helm3", "", "the helm 3 binary")
	helm4 := flag.String("helm4", "", "the helm 4 binary")
	answer3 := flag.String("answer3", "", "the answer program over helm 3's library")
	answer4 := flag.String("answer4", "", "the answer program over helm 4's library")
	all := flag.Bool("all", false, "record again what has answers already")
	sample := flag.Int("sample", 0, "instead of recording, ask the binaries for every n-th template case and compare")
	only := flag.String("only", "", "record only files whose path contains this")
	flag.Parse()
	run := programs{helm3: *helm3, helm4: *helm4, all: *all}
	for i := range 2 {
		run.answer3[i], run.answer4[i] = startAnswerer(*answer3), startAnswerer(*answer4)
	}
	if err := run.walk(flag.Arg(0), *only, *sample); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (p *programs) walk(root, only string, sample int) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path == filepath.Join(root, "charts"):
			if sample == 0 && strings.Contains(path, only) {
				if err := p.recordCharts(path); err != nil {
					return err
				}
			}
			return filepath.SkipDir
		case !strings.Contains(path, only):
			return nil
		case strings.HasSuffix(path, ".gen") && sample == 0:
			if err := expand(path); err != nil {
				return err
			}
			return p.recordFile(strings.TrimSuffix(path, ".gen") + "-cross.txt")
		case strings.HasSuffix(path, ".txt") && sample > 0:
			return p.crossCheck(path, sample)
		case strings.HasSuffix(path, ".txt") && !strings.HasSuffix(path, "-cross.txt"):
			return p.recordFile(path)
		}
		return nil
	})
}

func (p *programs) recordFile(path string) error {
	file, err := readCaseFile(path)
	if err != nil {
		return err
	}
	count, asked := 0, 0
	seen := map[string]bool{}
	kept := file.blocks[:0]
	for _, b := range file.blocks {
		if b.isCase() {
			if seen[b.key()] {
				continue
			}
			seen[b.key()] = true
			count++
			if p.all || b.v3 == nil || b.v4 == nil {
				asked++
				if !p.answerBoth(&b, file.manifests) {
					fmt.Printf("rejected, two runs differ: %s: %s\n", path, b.name())
					continue
				}
			}
		}
		kept = append(kept, b)
	}
	file.blocks = kept
	fmt.Printf("%-60s %5d cases, %d asked\n", path, count, asked)
	return file.write()
}

// answerBoth fills in both answers and says whether two runs agreed.
func (p *programs) answerBoth(b *block, manifests bool) bool {
	var runs [2][2]answer
	for i := range 2 {
		if manifests {
			runs[i] = [2]answer{runHelm(p.helm3, b.chart()), runHelm(p.helm4, b.chart())}
		} else {
			runs[i] = [2]answer{p.answer3[i].ask(b.chart()), p.answer4[i].ask(b.chart())}
		}
	}
	b.v3, b.v4 = &runs[0][0], &runs[0][1]
	return b.v3.equal(&runs[1][0]) && b.v4.equal(&runs[1][1])
}

// name is the case's template, for messages.
func (b block) name() string {
	for _, in := range b.inputs {
		if in.marker == "e" || in.marker == "t" {
			return in.text
		}
	}
	return b.inputs[0].text
}

// key tells cases of one file apart.
func (b block) key() string {
	var out strings.Builder
	for _, in := range append(append([]input{}, b.shared...), b.inputs...) {
		writeLines(&out, in.marker+in.path, in.text)
	}
	return out.String()
}
