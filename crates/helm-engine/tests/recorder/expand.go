package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// expand turns a family's NAME.gen into the inputs of NAME-cross.txt: every line is repeated for each
// combination of the alternatives its $VARIABLES stand for. Answers that are still valid are kept.
func expand(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	target := strings.TrimSuffix(path, ".gen") + "-cross.txt"
	known := recordedAnswers(target)
	alternatives := map[string][]string{}
	file := &caseFile{path: target, blocks: []block{{kept: []string{"# Written by the recorder from " + filepath.Base(path) + ": edit that file."}}}}
	seen := map[string]bool{}
	for _, lines := range splitBlocks(string(raw)) {
		for _, product := range expandBlock(lines, alternatives) {
			if key := strings.Join(product, "\n"); !seen[key] {
				seen[key] = true
				if err := file.add(product); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
		}
	}
	for i := range file.blocks {
		if old, ok := known[file.blocks[i].key()]; ok && file.blocks[i].isCase() {
			file.blocks[i].v3, file.blocks[i].v4 = old.v3, old.v4
		}
	}
	return file.write()
}

func recordedAnswers(path string) map[string]block {
	known := map[string]block{}
	if old, err := readCaseFile(path); err == nil {
		for _, b := range old.blocks {
			known[b.key()] = b
		}
	}
	return known
}

// add appends a block; the shared inputs in force are found again when the written file is read.
func (f *caseFile) add(lines []string) error {
	shared := f.sharedSoFar()
	parsed, err := parseBlock(lines, shared)
	if err != nil {
		return err
	}
	f.blocks = append(f.blocks, parsed)
	return nil
}

func (f *caseFile) sharedSoFar() []input {
	var shared []input
	for _, b := range f.blocks {
		if !b.isCase() && b.kept[0][0] >= 'A' && b.kept[0][0] <= 'Z' {
			shared, _ = parseShared(b.kept, shared)
		}
	}
	return shared
}

// expandBlock defines variables from lines `$NAME = a ¦ b` and multiplies the other lines out.
// A block whose first line starts with a lower-case marker other than "e" is multiplied as a whole.
func expandBlock(lines []string, alternatives map[string][]string) [][]string {
	var products [][]string
	var rest []string
	for _, line := range lines {
		if name, values, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(name, "$") {
			alternatives[name[1:]] = strings.Split(values, " ¦ ")
			continue
		}
		rest = append(rest, line)
	}
	if len(rest) == 0 {
		return nil
	}
	if !strings.HasPrefix(rest[0], "e ") {
		return splitProducts(multiply(strings.Join(rest, "\n"), alternatives))
	}
	for _, line := range rest {
		products = append(products, splitProducts(multiply(line, alternatives))...)
	}
	return products
}

func splitProducts(texts []string) [][]string {
	var products [][]string
	for _, text := range texts {
		products = append(products, strings.Split(text, "\n"))
	}
	return products
}

// multiply replaces the first $VARIABLE, wherever it stands, by each alternative, then goes on with the results.
func multiply(text string, alternatives map[string][]string) []string {
	start, end := firstVariable(text)
	if start < 0 {
		return []string{text}
	}
	var results []string
	values, ok := alternatives[text[start+1:end]]
	if !ok {
		panic("undefined variable " + text[start:end] + " in " + text)
	}
	for _, value := range values {
		results = append(results, multiply(substitute(text, text[start:end], value), alternatives)...)
	}
	return results
}

func firstVariable(text string) (int, int) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '$' && text[i+1] >= 'A' && text[i+1] <= 'Z' {
			end := i + 1
			for end < len(text) && (text[end] >= 'A' && text[end] <= 'Z' || text[end] >= '0' && text[end] <= '9') {
				end++
			}
			return i, end
		}
	}
	return -1, -1
}

func substitute(text, variable, value string) string {
	var out strings.Builder
	for {
		start, end := firstVariable(text)
		if start < 0 {
			return out.String() + text
		}
		out.WriteString(text[:start])
		if text[start:end] == variable {
			out.WriteString(value)
		} else {
			out.WriteString(text[start:end])
		}
		text = text[end:]
	}
}
