package site

import (
	"archive/zip"
	"bytes"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func (s *Site) fileList(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.Query("SELECT name FROM files ORDER BY name LIMIT 200")
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.fail(w, err)
			return
		}
		names = append(names, name)
	}
	s.show(w, r, "files", "Files", names)
}

// handbookZip is the handbook to take along.
func (s *Site) handbookZip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	z := zip.NewWriter(w)
	defer z.Close()
	for _, name := range []string{"boats.txt", "house.txt"} {
		f, err := z.Create(name)
		if err != nil {
			return
		}
		io.WriteString(f, handbook[name])
	}
}

func (s *Site) fileUpload(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		http.Error(w, "Please choose a file.", http.StatusUnprocessableEntity)
		return
	}
	defer file.Close()
	name := filepath.Base(header.Filename)
	to, err := os.Create(filepath.Join(s.folder, "uploads", name))
	if err != nil {
		s.fail(w, err)
		return
	}
	defer to.Close()
	if _, err := io.Copy(to, file); err != nil {
		s.fail(w, err)
		return
	}
	if _, err := s.db.Exec("INSERT INTO files (name, user_id) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, s.user(r).ID); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/files", http.StatusSeeOther)
}

// fileShow shows a file to everybody: the club's posters are linked from elsewhere.
func (s *Site) fileShow(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.PathValue("name"))
	data, err := os.ReadFile(filepath.Join(s.folder, "uploads", name))
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	kind := mime.TypeByExtension(filepath.Ext(name))
	if kind == "" {
		kind = http.DetectContentType(data)
	}
	w.Header().Set("Content-Type", kind)
	w.Write(data)
}

// fileInfo tells how long a file is.
func (s *Site) fileInfo(w http.ResponseWriter, r *http.Request) {
	c := exec.CommandContext(r.Context(), "sh", "-c", "wc -c "+r.URL.Query().Get("name"))
	c.Dir = filepath.Join(s.folder, "uploads")
	out, err := c.Output()
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "<p>%s</p>", html.EscapeString(string(out)))
}

// download sends a file as an attachment.
func (s *Site) download(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	data, err := os.ReadFile(filepath.Join(s.folder, "uploads", name))
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": filepath.Base(name)}))
	w.Write(data)
}

// handbookPage shows a page of the handbook, and nothing outside of its folder.
func (s *Site) handbookPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("page")
	if name == "" {
		name = "house.txt"
	}
	root, err := os.OpenRoot(filepath.Join(s.folder, "handbook"))
	if err != nil {
		s.fail(w, err)
		return
	}
	defer root.Close()
	text, err := root.ReadFile(name)
	if err != nil {
		http.Error(w, "The handbook has no such page.", http.StatusNotFound)
		return
	}
	s.show(w, r, "handbook", "Handbook", paragraphs(string(text)))
}

// handbookFind finds the lines that hold a word.
func (s *Site) handbookFind(w http.ResponseWriter, r *http.Request) {
	s.grep(w, r, "-i", r.URL.Query().Get("q"), "boats.txt", "house.txt")
}

// handbookCount counts the lines that hold a word.
func (s *Site) handbookCount(w http.ResponseWriter, r *http.Request) {
	s.grep(w, r, "-i", "-c", "-F", "-e", r.URL.Query().Get("q"), "--", "boats.txt", "house.txt")
}

func (s *Site) grep(w http.ResponseWriter, r *http.Request, args ...string) {
	if strings.ContainsRune(r.URL.Query().Get("q"), 0) || len(r.URL.Query().Get("q")) > 100 {
		http.Error(w, "Please type a word.", http.StatusBadRequest)
		return
	}
	c := exec.CommandContext(r.Context(), "grep", args...)
	c.Dir = filepath.Join(s.folder, "handbook")
	out, _ := c.Output() // 1: nothing was found
	s.show(w, r, "handbook", "Handbook", paragraphs(string(out)))
}

// galleryUpload takes the pictures of an event in one archive.
func (s *Site) galleryUpload(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("archive")
	if err != nil {
		http.Error(w, "Please choose an archive.", http.StatusUnprocessableEntity)
		return
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		s.fail(w, err)
		return
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		http.Error(w, "That is no archive.", http.StatusUnprocessableEntity)
		return
	}
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := s.unpack(f); err != nil {
			s.fail(w, err)
			return
		}
	}
	http.Redirect(w, r, "/files", http.StatusSeeOther)
}

func (s *Site) unpack(f *zip.File) error {
	from, err := f.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	name := filepath.Join(s.folder, "gallery", f.Name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	to, err := os.Create(name)
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = io.Copy(to, from)
	return err
}
