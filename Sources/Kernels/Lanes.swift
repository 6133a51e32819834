// The unit of all arithmetic: a vector whose lanes are eight examples. What is done to a lane is exactly what a scalar
// loop over one example would do, so the bits of a result depend neither on the width of the CPU's vectors nor on its
// instruction set (docs/exactness.md).

/// Examples in a vector, and in a microbatch: a constant of the numerics version.
package let laneCount = 8

/// One value of eight examples.
package typealias Lanes = SIMD8<Float>

/// Sum over the eight lanes in a fixed order: ((0+4)+(2+6)) + ((1+5)+(3+7)).
@inline(__always)
package func horizontalSum(_ v: Lanes) -> Float {
    let four = v.lowHalf + v.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
}

/// Broadcast of one weight to all lanes.
@inline(always)
func splat(_ weight: Float) -> Lanes { Lanes(repeating: weight) }

/// PReLU (He et al. 2015) with one slope: x where x > 0, else slope·x.
@inline(always)
func prelu(_ x: Lanes, slope: Lanes) -> Lanes {
    (slope * x).replacing(with: x, where: x .> Lanes.zero)
}
