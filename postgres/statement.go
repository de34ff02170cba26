package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// statement is a statement prepared by name. It implements [db.Stmt].
type statement struct {
	c       *conn
	name    string
	params  []uint32 // types of the values
	columns []string
	oids    []uint32 // types of the columns
	formats []int16  // of the columns: 0 text, 1 binary

	buf []byte     // the bound values
	at  [][2]int32 // where each lies in buf; -1: NULL
	err error      // of a Bind

	ran, more bool // more: a portal waits with further rows
	arena     []byte
	ends      []int32 // of each value in the arena; below zero: NULL
	row       int     // the current one
	held      int     // rows in the arena
	affected  db.Affected
}

// The types that this engine knows, by the numbers that the server's catalogue gives them for ever.
const (
	oidBool        = 16
	oidBytea       = 17
	oidName        = 19
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidOID         = 26
	oidJSON        = 114
	oidFloat4      = 700
	oidFloat8      = 701
	oidBPChar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestampTZ = 1184
	oidNumeric     = 1700
	oidUUID        = 2950
	oidJSONB       = 3802
)

// typeNames are the names of the types of what an empty list would hold.
var typeNames = map[uint32]string{oidBool: "boolean", oidBytea: "bytea", oidInt8: "bigint", oidInt2: "smallint", oidInt4: "integer", oidText: "text", oidFloat4: "real",
	oidFloat8: "double precision", oidVarchar: "varchar", oidBPChar: "bpchar", oidDate: "date", oidTimestamp: "timestamp", oidTimestampTZ: "timestamptz", oidNumeric: "numeric", oidUUID: "uuid"}

// binaryFormat reports whether values of a type are taken in the server's binary form, which no setting of the session
// changes.
func binaryFormat(oid uint32) int16 {
	switch oid {
	case oidBool, oidBytea, oidInt8, oidInt2, oidInt4, oidText, oidOID, oidJSON, oidFloat4, oidFloat8, oidBPChar, oidVarchar, oidDate, oidTimestamp, oidTimestampTZ:
		return 1
	}
	return 0
}

func (s *statement) Columns() []string { return s.columns }

func (s *statement) note(err error) {
	if err != nil && s.err == nil {
		s.err = err
	}
}

func (s *statement) put(i int, v []byte) {
	from := int32(len(s.buf))
	s.buf = append(s.buf, v...)
	s.at[i-1] = [2]int32{from, int32(len(s.buf))}
}

func (s *statement) BindNull(i int) { s.at[i-1] = [2]int32{-1, -1} }

func (s *statement) BindInt(i int, v int64) { s.put(i, strconv.AppendInt(nil, v, 10)) }

func (s *statement) BindFloat(i int, v float64) {
	switch {
	case math.IsInf(v, 1):
		s.put(i, []byte("Infinity"))
	case math.IsInf(v, -1):
		s.put(i, []byte("-Infinity"))
	default:
		s.put(i, strconv.AppendFloat(nil, v, 'g', -1, 64))
	}
}

// BindBool binds 1 or 0, which columns of booleans and of integers take.
func (s *statement) BindBool(i int, v bool) {
	if v {
		s.put(i, []byte("1"))
	} else {
		s.put(i, []byte("0"))
	}
}

func (s *statement) BindText(i int, v string) {
	if s.params[i-1] != oidBytea && (strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v)) {
		s.note(db.RuleArgument.Finding("", fmt.Sprintf("postgres: the text for $%d holds a NUL byte or is no UTF-8", i), "take it out, or keep it in a column of bytes (bytea)"))
		return
	}
	s.put(i, []byte(v))
}

func (s *statement) BindBlob(i int, v []byte) {
	if s.params[i-1] != oidBytea {
		s.BindText(i, string(v))
		return
	}
	s.put(i, v)
}

// BindTime binds RFC 3339 in UTC with six digits, which a column of texts keeps in the order of the times.
func (s *statement) BindTime(i int, v time.Time) {
	s.put(i, v.UTC().Truncate(time.Microsecond).AppendFormat(nil, "2006-01-02T15:04:05.000000Z07:00"))
}

// Step runs the statement, or goes to its next row. A reader takes rows some at a time and may run other statements
// between; a writer takes them all, since a statement that writes has done all of it when the first Step returns.
func (s *statement) Step() (bool, error) {
	if !s.ran {
		s.ran = true
		if s.err != nil {
			return false, s.err
		}
		if err := s.run(); err != nil {
			return false, err
		}
	} else {
		s.row++
	}
	if s.row < s.held {
		return true, nil
	}
	if !s.more {
		return false, nil
	}
	if err := s.take(); err != nil {
		return false, err
	}
	return s.held > 0, nil
}

func (s *statement) run() error {
	c := s.c
	if c.ctx != nil && c.ctx.Err() != nil {
		return pool.Stopped(c.ctx)
	}
	if len(s.buf) > maxBound {
		return fmt.Errorf("postgres: the values of a statement have %d bytes together, and %d are taken, so that what is written can be read: keep what is long in a file", len(s.buf), maxBound)
	}
	c.flushGone()
	marks := 1
	if c.writing && c.dirty {
		c.f.SendQuery(&pgproto3.Query{String: onward})
		marks++
	}
	bind := &pgproto3.Bind{PreparedStatement: s.name, ResultFormatCodes: s.formats, Parameters: make([][]byte, len(s.at)), ParameterFormatCodes: make([]int16, len(s.at))}
	for i, at := range s.at {
		if at[0] >= 0 {
			bind.Parameters[i] = s.buf[at[0]:at[1]:at[1]]
		}
		if s.params[i] == oidBytea {
			bind.ParameterFormatCodes[i] = 1
		}
	}
	limit := uint32(0)
	if !c.writing {
		bind.DestinationPortal, limit = s.name, fetch
	}
	c.f.SendBind(bind)
	return s.execute(marks, bind.DestinationPortal, limit)
}

// take fetches further rows of a portal.
func (s *statement) take() error {
	if s.c.ctx != nil && s.c.ctx.Err() != nil {
		return pool.Stopped(s.c.ctx)
	}
	return s.execute(1, s.name, fetch)
}

func (s *statement) execute(marks int, portal string, limit uint32) error {
	c := s.c
	s.arena, s.ends, s.row, s.held, s.more = s.arena[:0], s.ends[:0], 0, 0, false
	c.f.SendExecute(&pgproto3.Execute{Portal: portal, MaxRows: limit})
	c.f.SendSync(&pgproto3.Sync{})
	c.dirty = true
	ctx := c.ctx
	if ctx == nil {
		return errors.New("postgres: a statement runs outside of a transaction")
	}
	huge := false
	err := c.exchange(ctx, marks, func(m pgproto3.BackendMessage) {
		switch m := m.(type) {
		case *pgproto3.DataRow:
			for _, v := range m.Values {
				s.arena = append(s.arena, v...)
				if len(s.arena) > math.MaxInt32 {
					huge, s.arena = true, s.arena[:0]
				}
				end := int32(len(s.arena))
				if v == nil {
					end = -end - 1
				}
				s.ends = append(s.ends, end)
			}
			s.held++
		case *pgproto3.PortalSuspended:
			s.more = true
		case *pgproto3.CommandComplete:
			s.affected = db.Affected{Rows: rowsOf(string(m.CommandTag))}
		}
	})
	switch {
	case err != nil:
		c.recover()
		return err
	case huge:
		return errors.New("postgres: a writer's query gives more than 2 GB: ask for fewer rows")
	case portal != "" && !s.more:
		c.portals = append(c.portals, portal)
	}
	return nil
}

// rowsOf reads the number at the end of a tag: "UPDATE 3", "INSERT 0 1".
func rowsOf(tag string) int64 {
	n, _ := strconv.ParseInt(tag[strings.LastIndexByte(tag, ' ')+1:], 10, 64)
	return n
}

// raw returns a value of the current row, nil for NULL.
func (s *statement) raw(col int) []byte {
	i := s.row*len(s.columns) + col
	if s.ends[i] < 0 {
		return nil
	}
	from := int32(0)
	if i > 0 {
		if from = s.ends[i-1]; from < 0 {
			from = -from - 1
		}
	}
	return s.arena[from:s.ends[i]:s.ends[i]]
}

// Type tells a sum of integers, which the server gives as a decimal number, from one with a fraction. What a float would
// not hold exactly is a text, so that a field of floats refuses it.
func (s *statement) Type(col int) db.Type {
	if s.ends[s.row*len(s.columns)+col] < 0 {
		return db.TypeNull
	}
	t := typeOf(s.oids[col])
	if s.oids[col] == oidNumeric {
		text := string(s.raw(col))
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			return db.TypeInt
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == trimZeros(text) {
			return db.TypeFloat
		}
		return db.TypeText
	}
	if t == db.TypeUnknown {
		return db.TypeText // as the server writes it
	}
	return t
}

// typeOf returns the type of a column, unknown for what the values tell.
func typeOf(oid uint32) db.Type {
	switch oid {
	case oidBool:
		return db.TypeBool
	case oidBytea:
		return db.TypeBlob
	case oidInt8, oidInt4, oidInt2, oidOID:
		return db.TypeInt
	case oidFloat4, oidFloat8:
		return db.TypeFloat
	case oidText, oidVarchar, oidBPChar, oidJSON, oidJSONB, oidUUID:
		return db.TypeText
	case oidDate, oidTimestamp, oidTimestampTZ:
		return db.TypeTime
	}
	return db.TypeUnknown
}

func trimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func (s *statement) Int(col int) int64 {
	b := s.raw(col)
	switch {
	case s.oids[col] == oidNumeric:
		n, _ := strconv.ParseInt(string(b), 10, 64)
		return n
	case s.oids[col] == oidOID:
		return int64(binary.BigEndian.Uint32(b))
	}
	switch len(b) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (s *statement) Float(col int) float64 {
	b := s.raw(col)
	switch s.oids[col] {
	case oidFloat4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case oidFloat8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	f, _ := strconv.ParseFloat(string(b), 64) // Type has read it already
	return f
}

// Bytes of a value that is there are never nil.
func (s *statement) Bytes(col int) []byte { return s.raw(col) }

// epoch is where the server counts its times from.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *statement) Time(col int) (time.Time, error) {
	b := s.raw(col)
	switch s.oids[col] {
	case oidDate:
		if days := int32(binary.BigEndian.Uint32(b)); days != math.MaxInt32 && days != math.MinInt32 {
			return epoch.AddDate(0, 0, int(days)), nil
		}
		return time.Time{}, errors.New("is infinite, which is no time")
	case oidTimestamp, oidTimestampTZ:
		if micro := int64(binary.BigEndian.Uint64(b)); micro != math.MaxInt64 && micro != math.MinInt64 {
			return time.UnixMicro(epoch.UnixMicro() + micro).UTC(), nil
		}
		return time.Time{}, errors.New("is infinite, which is no time")
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return time.Time{}, errors.New("is a text that is no time")
	}
	return t.UTC(), nil
}

// Affected has no LastID: PostgreSQL tells the number of a new row by RETURNING only.
func (s *statement) Affected() db.Affected { return s.affected }

// keepBound is how many bytes may stay in a statement that waits for its next use.
const keepBound = 64 << 10

func (s *statement) Reset() {
	if s.more {
		s.c.portals = append(s.c.portals, s.name)
	}
	s.ran, s.more, s.err, s.held, s.row, s.affected = false, false, nil, 0, 0, db.Affected{}
	if s.buf = s.buf[:0]; s.buf == nil || cap(s.buf) > keepBound {
		s.buf = make([]byte, 0, 64) // never nil: an empty text of a nil slice would be sent as NULL
	}
	if cap(s.arena) > keepBound {
		s.arena = nil
	}
	for i := range s.at {
		s.at[i] = [2]int32{-1, -1}
	}
}

// Close has the statement closed with the connection's next message.
func (s *statement) Close() { s.c.gone = append(s.c.gone, s.name) }
