package db

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// sizeHint remembers how many rows a query gave last, so that the next slice is made right at once.
type sizeHint struct{ last atomic.Int32 }

func (h *sizeHint) saw(n int) {
	if n := int32(min(n, 256)); h.last.Load() != n {
		h.last.Store(n)
	}
}

func (h *sizeHint) next() int { return max(int(h.last.Load()), 4) }

// scanRow fills a row with the values of the statement's current row. The row may lie on the stack: reflection, which would let
// it escape, is left to a row of its own.
func scanRow[Row any](p *prepared, row *Row) error {
	if p.json {
		own := new(Row)
		base := unsafe.Pointer(own)
		for i, f := range p.fields {
			if f.kind != fieldJSON {
				continue
			}
			if err := f.setJSON(p.stmt, i, unsafe.Add(base, f.offset)); err != nil {
				return err
			}
		}
		*row = *own
	}
	base := unsafe.Pointer(row)
	for i, f := range p.fields {
		if f.kind == fieldJSON {
			continue
		}
		if err := f.set(p.stmt, i, unsafe.Add(base, f.offset)); err != nil {
			return err
		}
	}
	return nil
}

// set puts the value of a column into the field at. The fields of a plan were matched against the very type of the row,
// so each write through an unsafe pointer is one of the field's own kind.
func (f *field) set(stmt Stmt, col int, at unsafe.Pointer) error {
	is := stmt.Type(col)
	if is == TypeNull {
		if f.ptr || f.kind == fieldBytes {
			return nil // the row is zero
		}
		return f.wrong(col, "is NULL", "make the field a pointer, or the column NOT NULL")
	}
	if f.ptr {
		return f.setPointer(stmt, col, is, at)
	}
	return f.setValue(stmt, col, is, at)
}

// setValue sets a field that is not a pointer, or what a pointer points to.
func (f *field) setValue(stmt Stmt, col int, is Type, at unsafe.Pointer) error {
	switch f.kind {
	case fieldString:
		if is != TypeText {
			return f.mistyped(col, is)
		}
		*(*string)(at) = string(stmt.Bytes(col))
	case fieldInt64, fieldInt:
		if is != TypeInt {
			return f.mistyped(col, is)
		}
		v := stmt.Int(col)
		if f.kind == fieldInt64 {
			*(*int64)(at) = v
			return nil
		}
		if int64(int(v)) != v {
			return f.overflow(col, v)
		}
		*(*int)(at) = int(v)
	case fieldInt8, fieldInt16, fieldInt32, fieldUint, fieldUint8, fieldUint16, fieldUint32, fieldUint64:
		if is != TypeInt {
			return f.mistyped(col, is)
		}
		return f.setInt(col, stmt.Int(col), at)
	case fieldFloat64, fieldFloat32:
		var v float64
		switch is {
		case TypeFloat:
			v = stmt.Float(col)
		case TypeInt:
			v = float64(stmt.Int(col))
		default:
			return f.mistyped(col, is)
		}
		if f.kind == fieldFloat64 {
			*(*float64)(at) = v
		} else {
			*(*float32)(at) = float32(v)
		}
	case fieldBytes:
		if is != TypeBlob && is != TypeText {
			return f.mistyped(col, is)
		}
		*(*[]byte)(at) = append([]byte{}, stmt.Bytes(col)...)
	case fieldArray:
		if is != TypeBlob {
			return f.mistyped(col, is)
		}
		b := stmt.Bytes(col)
		if len(b) != f.size {
			return f.wrong(col, fmt.Sprintf("holds %d bytes", len(b)), "the field takes exactly "+strconv.Itoa(f.size))
		}
		copy(unsafe.Slice((*byte)(at), f.size), b)
	case fieldBool:
		if is != TypeBool && is != TypeInt {
			return f.mistyped(col, is)
		}
		v := stmt.Int(col)
		if v != 0 && v != 1 {
			return f.overflow(col, v)
		}
		*(*bool)(at) = v == 1
	case fieldTime:
		if is != TypeText && is != TypeTime {
			return f.mistyped(col, is)
		}
		v, err := stmt.Time(col)
		if err != nil {
			return f.wrong(col, err.Error(), "store times by giving a time.Time as argument")
		}
		*(*time.Time)(at) = v
	}
	return nil
}

// setJSON decodes the value of a column into the field at; NULL leaves it as it is.
func (f *field) setJSON(stmt Stmt, col int, at unsafe.Pointer) error {
	is := stmt.Type(col)
	if is == TypeNull {
		return nil
	}
	if is != TypeText && is != TypeBlob {
		return f.mistyped(col, is)
	}
	if err := json.Unmarshal(stmt.Bytes(col), reflect.NewAt(f.typ, at).Interface()); err != nil {
		return f.wrong(col, "is no JSON for "+f.typ.String()+": "+err.Error(), "store it with db.JSON")
	}
	return nil
}

func (f *field) setInt(col int, v int64, at unsafe.Pointer) error {
	switch f.kind {
	case fieldInt8:
		if v < math.MinInt8 || v > math.MaxInt8 {
			return f.overflow(col, v)
		}
		*(*int8)(at) = int8(v)
	case fieldInt16:
		if v < math.MinInt16 || v > math.MaxInt16 {
			return f.overflow(col, v)
		}
		*(*int16)(at) = int16(v)
	case fieldInt32:
		if v < math.MinInt32 || v > math.MaxInt32 {
			return f.overflow(col, v)
		}
		*(*int32)(at) = int32(v)
	case fieldUint8:
		if v < 0 || v > math.MaxUint8 {
			return f.overflow(col, v)
		}
		*(*uint8)(at) = uint8(v)
	case fieldUint16:
		if v < 0 || v > math.MaxUint16 {
			return f.overflow(col, v)
		}
		*(*uint16)(at) = uint16(v)
	case fieldUint32:
		if v < 0 || v > math.MaxUint32 {
			return f.overflow(col, v)
		}
		*(*uint32)(at) = uint32(v)
	case fieldUint64:
		if v < 0 {
			return f.overflow(col, v)
		}
		*(*uint64)(at) = uint64(v)
	case fieldUint:
		if v < 0 || uint64(v) > math.MaxUint {
			return f.overflow(col, v)
		}
		*(*uint)(at) = uint(v)
	}
	return nil
}

// setPointer makes the value that a pointer field points to. A *string is written where the field is of type *Name too:
// both are pointers to the same memory layout.
func (f *field) setPointer(stmt Stmt, col int, is Type, at unsafe.Pointer) error {
	to := reflect.New(f.typ.Elem()).UnsafePointer()
	if err := f.setValue(stmt, col, is, to); err != nil {
		return err
	}
	*(*unsafe.Pointer)(at) = to
	return nil
}

func (f *field) mistyped(col int, is Type) error {
	return f.wrong(col, "holds "+is.String(), "make the field, the column and what is stored there of one kind")
}

func (f *field) overflow(col int, v int64) error {
	return f.wrong(col, "holds "+strconv.FormatInt(v, 10)+", which does not fit", "use a wider type, or a CHECK on the column")
}

func (f *field) wrong(col int, what, do string) error {
	column, name := strconv.Itoa(col+1), f.typ.String()
	if f.name != "" {
		column, name = quote(f.column), f.name+" ("+name+")"
	}
	return RuleValue.Finding("", fmt.Sprintf("the column %s %s; the field is %s", column, what, name), do)
}
