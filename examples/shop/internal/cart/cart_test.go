package cart

import (
	"errors"
	"slices"
	"testing"
)

func TestAdd(t *testing.T) {
	id := t.Name()
	defer Take(id)
	for _, test := range []struct {
		line Line
		err  error
		want []Line
	}{
		{Line{"cup", "Cup", 2, 980}, nil, []Line{{"cup", "Cup", 2, 980}}},
		{Line{"cup", "Cup", 1, 1200}, nil, []Line{{"cup", "Cup", 3, 980}}},
		{Line{"bag", "Bag", 1, 500}, nil, []Line{{"bag", "Bag", 1, 500}, {"cup", "Cup", 3, 980}}},
		{Line{"cup", "Cup", 97, 980}, ErrQuantity, nil},
		{Line{"cup", "Cup", 0, 980}, ErrQuantity, nil},
		{Line{"cup", "Cup", -1, 980}, ErrQuantity, nil},
	} {
		got, err := Add(id, test.line)
		if !errors.Is(err, test.err) || !slices.Equal(got.Lines, test.want) {
			t.Errorf("add %v: %v, %v; want %v, %v", test.line, got.Lines, err, test.want, test.err)
		}
	}
}

func TestTakeAndPutBack(t *testing.T) {
	id := t.Name()
	defer Take(id)
	if _, err := Add(id, Line{"cup", "Cup", 2, 980}); err != nil {
		t.Fatal(err)
	}
	taken := Take(id)
	if again := Take(id); len(again.Lines) != 0 {
		t.Errorf("taken twice: %v", again)
	}
	if _, err := Add(id, Line{"cup", "Cup", 1, 980}); err != nil {
		t.Fatal(err)
	}
	PutBack(taken)
	if got, want := Get(id).Lines, []Line{{"cup", "Cup", 3, 980}}; !slices.Equal(got, want) {
		t.Errorf("after putting back: %v, want %v", got, want)
	}
}
