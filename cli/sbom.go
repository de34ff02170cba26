package cli

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	holes "github.com/merlon-web/merlon/check/build"
)

// module is one of those that the program is made of.
type module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"` // go.sum's
}

// build is what the program knows of itself.
type build struct {
	Schema   string   `json:"schema"`
	Program  string   `json:"program"`
	Version  string   `json:"program_version"`
	Merlon   string   `json:"merlon"`
	Go       string   `json:"go"`
	Revision string   `json:"revision,omitempty"`
	Modified bool     `json:"modified,omitempty"` // built from sources that were not committed
	Holes    string   `json:"holes_known_on"`     // the day of the list of known holes that check looks in
	Modules  []module `json:"modules"`
}

const ownModule = "github.com/merlon-web/merlon"

func readBuild() build {
	b := build{Schema: "merlon/version/v1", Program: "development", Version: "development", Merlon: "development", Go: runtime.Version(), Holes: holes.Known().Format(time.DateOnly), Modules: []module{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Path != "" {
		b.Program = info.Main.Path
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	if info.Main.Path == ownModule {
		b.Merlon = b.Version
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		if d.Path == ownModule {
			b.Merlon = d.Version
		}
		b.Modules = append(b.Modules, module{d.Path, d.Version, d.Sum})
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// sbom is the program's bill of materials in the form CycloneDX 1.5: each module with its version, and the standard library.
// The same program gives the same document: its serial number comes from what it is made of.
func (b build) sbom() map[string]any {
	main := "pkg:golang/" + b.Program + "@" + b.Version
	components := []map[string]any{{"type": "library", "name": "std", "version": strings.TrimPrefix(b.Go, "go"), "purl": "pkg:golang/std@" + strings.TrimPrefix(b.Go, "go"), "bom-ref": "std"}}
	refs := []string{"std"}
	seed := sha256.New()
	fmt.Fprintln(seed, main, b.Revision, b.Go)
	for _, m := range b.Modules {
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		c := map[string]any{"type": "library", "name": m.Path, "version": m.Version, "purl": purl, "bom-ref": purl}
		if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok { // of the files' names and sums: a hash of the module's content
			if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
				c["hashes"] = []map[string]string{{"alg": "SHA-256", "content": hex.EncodeToString(raw)}}
			}
		}
		components, refs = append(components, c), append(refs, purl)
		fmt.Fprintln(seed, purl, m.Sum)
	}
	id := seed.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562, version 8
	metadata := map[string]any{"component": map[string]any{"type": "application", "name": b.Program, "version": b.Version, "purl": main, "bom-ref": main},
		"tools": map[string]any{"components": []map[string]string{{"type": "library", "name": ownModule, "version": b.Merlon}}}}
	if at := commitTime(); at != "" {
		metadata["timestamp"] = at
	}
	return map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"serialNumber": fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		"metadata":     metadata, "components": components,
		"dependencies": []map[string]any{{"ref": main, "dependsOn": refs}}}
}

// commitTime is when the program's sources were committed, "" if it does not know.
func commitTime() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
				return at.UTC().Format(time.RFC3339)
			}
		}
	}
	return ""
}
