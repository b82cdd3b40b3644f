// Command functions writes what Helm's own functions give for the cases under tests/cases/functions.
//
// A case is a folder with templates.txt: a template a line. Beside it goes go.txt, which the tests compare with, so that
// they need no Go: each template, and below it the result as a Go string, or `!` and what the function says.
//
//	cd tests/functions && go run . ../cases/functions/*
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, folder := range os.Args[1:] {
		if err := table(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func table(folder string) error {
	templates, err := os.ReadFile(filepath.Join(folder, "templates.txt"))
	if err != nil {
		return err
	}
	values, err := os.ReadFile(filepath.Join(folder, "..", "values.yaml"))
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(templates)) {
		line = strings.TrimSuffix(line, "\n")
		result, err := render(line, values)
		if err != nil {
			fmt.Fprintf(&out, "%s\n\t!%s\n", line, message(err.Error()))
		} else {
			fmt.Fprintf(&out, "%s\n\t%s\n", line, strconv.Quote(result))
		}
	}
	return os.WriteFile(filepath.Join(folder, "go.txt"), []byte(out.String()), 0644)
}

// What a function says, or the engine of its arguments; nothing of all other errors.
func message(err string) string {
	calling := regexp.MustCompile(`(?s).*error calling (\w+):\s*(.*)`)
	arguments := regexp.MustCompile(`(?s).*\s((?:wrong type for value; |expected [^;\n]+; found |wrong number of args ).*)`)
	unhandled := regexp.MustCompile(`can't handle (.*) for arg of type (.*)`)
	if found := arguments.FindStringSubmatch(err); found != nil {
		return strconv.Quote(found[1])
	}
	if found := unhandled.FindStringSubmatch(err); found != nil {
		return strconv.Quote("expected " + found[2] + "; found " + found[1])
	}
	found := calling.FindStringSubmatch(err)
	if found == nil || found[1] == "include" || found[1] == "tpl" {
		return ""
	}
	return strconv.Quote(found[2])
}

func render(template string, values []byte) (string, error) {
	read := map[string]any{}
	if err := yaml.Unmarshal(values, &read); err != nil {
		return "", err
	}
	c := &chart.Chart{
		Metadata:  &chart.Metadata{Name: "c", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*common.File{{Name: "t", Data: []byte(template)}},
	}
	top := common.Values{"Values": common.Values(read), "Chart": c.Metadata, "Release": map[string]any{"Name": "rel"}}
	rendered, err := engine.Engine{}.Render(c, top)
	return rendered["c/t"], err
}
