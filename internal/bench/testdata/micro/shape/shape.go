// Package shape has methods that are not worth a call.
package shape

type Point struct{ x, y int }

func NewPoint(x, y int) Point { return Point{x, y} }

func (p *Point) X() int          { return p.x }
func (p *Point) Y() int          { return p.y }
func (p *Point) Move(dx, dy int) { p.x += dx; p.y += dy }

type Path struct{ points []Point }

func (p *Path) Add(q Point)     { p.points = append(p.points, q) }
func (p *Path) Len() int        { return len(p.points) }
func (p *Path) At(i int) *Point { return &p.points[i] }
func (p *Path) Empty() bool     { return p.Len() == 0 }
func Abs(n int) int             { return max(n, -n) }
func Distance(a, b *Point) int  { return Abs(a.X()-b.X()) + Abs(a.Y()-b.Y()) }
func (p *Path) Last() *Point    { return p.At(p.Len() - 1) }
func (p *Path) Closed() bool    { return !p.Empty() && Distance(p.At(0), p.Last()) == 0 }
