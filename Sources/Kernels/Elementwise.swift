// Kernels that visit each value once: PReLU of a dense layer, pixels to inputs, sums of gradients, Adam.
internal import CVector

/// y = x where x > 0, else slope·x; `count` vectors of lanes.
package func preluForward(
    count: Int, x: UnsafePointer<Lanes>, slope: Float, y: UnsafeMutablePointer<Lanes>
) {
    let slopes = splat(slope)
    for i in 0..<count { y[i] = prelu(x[i], slope: slopes) }
}

/// Turns the gradient of PReLU's output into that of its input, in place, and returns the slope's gradient (lanes summed
/// in order, then `horizontalSum`).
package func preluBackward(
    count: Int, x: UnsafePointer<Lanes>, slope: Float, gradient: UnsafeMutablePointer<Lanes>
) -> Float {
    let slopes = splat(slope)
    var sum = Lanes.zero
    for i in 0..<count {
        let g = gradient[i]
        let positive = x[i] .> Lanes.zero
        sum += (x[i] * g).replacing(with: Lanes.zero, where: positive)
        gradient[i] = (slopes * g).replacing(with: g, where: positive)
    }
    return horizontalSum(sum)
}

/// Pixels of up to eight images to one tower's input: [image][count] bytes → [count][lane], byte / 255.
///
/// Lanes from `images` on are zero.
package func loadPixels(
    count: Int, images: Int, from pixels: UnsafePointer<UInt8>, to input: UnsafeMutablePointer<Lanes>
) {
    let whole = Lanes(repeating: 255)
    if images == laneCount {
        for i in 0..<count {
            let p = pixels + i
            let bytes = SIMD8<UInt8>(
                p[0], p[count], p[2 * count], p[3 * count], p[4 * count], p[5 * count], p[6 * count], p[7 * count])
            input[i] = Lanes(bytes) / whole
        }
        return
    }
    for i in 0..<count {
        var value = Lanes.zero
        for image in 0..<images { value[image] = Float(pixels[image * count + i]) }
        input[i] = value / whole
    }
}

/// left += right, element by element; both aligned to 32 bytes.
package func addInto(count: Int, _ left: UnsafeMutablePointer<Float>, _ right: UnsafePointer<Float>) {
    let (l, r) = (UnsafeMutableRawPointer(left), UnsafeRawPointer(right))
    let vectors = count / laneCount
    let a = l.assumingMemoryBound(to: Lanes.self)
    let b = r.assumingMemoryBound(to: Lanes.self)
    for i in 0..<vectors { a[i] += b[i] }
    for i in (vectors * laneCount)..<count { left[i] += right[i] }
}

/// Whether none of `count` floats (a multiple of eight) is infinite or NaN.
package func isFinite(count: Int, _ values: UnsafePointer<Float>) -> Bool {
    precondition(count % laneCount == 0, "parameter buffers are padded to vectors")
    let vectors = UnsafeRawPointer(values)
    // Zero times anything finite is zero; times infinity or NaN it is NaN, and NaN stays.
    var sum = Lanes.zero
    for i in 0..<(count / laneCount) {
        sum = sum.addingProduct(vectors.loadUnaligned(fromByteOffset: 32 * i, as: Lanes.self), Lanes.zero)
    }
    return horizontalSum(sum) == 0
}

/// Constants of one Adam step (Kingma & Ba 2015), as PyTorch's `Adam` uses them.
package struct AdamStep: Sendable {
    /// 1 − β₁, β₂ and 1 − β₂.
    package var firstMomentRate: Float
    package var secondMomentDecay: Float
    package var secondMomentRate: Float
    package var epsilon: Float
    /// Learning rate / (1 − β₁ᵗ).
    package var stepSize: Float
    /// √(1 − β₂ᵗ).
    package var secondMomentCorrection: Float
    /// The gradient is a sum over this many examples.
    package var exampleCount: Float

    package init(
        firstMomentRate: Float, secondMomentDecay: Float, secondMomentRate: Float, epsilon: Float, stepSize: Float,
        secondMomentCorrection: Float, exampleCount: Float
    ) {
        self.firstMomentRate = firstMomentRate
        self.secondMomentDecay = secondMomentDecay
        self.secondMomentRate = secondMomentRate
        self.epsilon = epsilon
        self.stepSize = stepSize
        self.secondMomentCorrection = secondMomentCorrection
        self.exampleCount = exampleCount
    }
}

/// One Adam step over `count` parameters (a multiple of eight; all buffers but the gradient aligned to 32 bytes).
///
/// g = sum / exampleCount; m = fma(g − m, 1 − β₁, m); v = fma((1 − β₂)·g, g, v·β₂);
/// new parameter = parameter − stepSize · m / (√v / secondMomentCorrection + ε).
/// - Parameter newParameters: written; may be `parameters`
package func adamUpdate(
    count: Int, _ step: AdamStep, gradientSum: UnsafePointer<Float>, parameters: UnsafePointer<Float>,
    newParameters: UnsafeMutablePointer<Float>, firstMoment: UnsafeMutablePointer<Float>,
    secondMoment: UnsafeMutablePointer<Float>
) {
    precondition(count % laneCount == 0, "parameter buffers are padded to vectors")
    let pass = AdamPass(
        count: count / laneCount, step: step, sums: UnsafeRawPointer(gradientSum),
        p: UnsafeRawPointer(parameters).assumingMemoryBound(to: Lanes.self),
        q: UnsafeMutableRawPointer(newParameters).assumingMemoryBound(to: Lanes.self),
        m: UnsafeMutableRawPointer(firstMoment).assumingMemoryBound(to: Lanes.self),
        v: UnsafeMutableRawPointer(secondMoment).assumingMemoryBound(to: Lanes.self))
    // Dividing by a power of two and multiplying by its reciprocal are the same, to the bit, and the second is faster.
    if step.exampleCount.significand == 1 {
        pass.run { sum in sum * splat(1 / step.exampleCount) }
    } else {
        pass.run { sum in sum / splat(step.exampleCount) }
    }
}

private struct AdamPass {
    let count: Int
    let step: AdamStep
    let sums: UnsafeRawPointer
    let p: UnsafePointer<Lanes>
    let q: UnsafeMutablePointer<Lanes>
    let m: UnsafeMutablePointer<Lanes>
    let v: UnsafeMutablePointer<Lanes>

    @inline(always)
    func run(mean: (Lanes) -> Lanes) {
        let (rate1, decay2, rate2) = (
            splat(step.firstMomentRate), splat(step.secondMomentDecay), splat(step.secondMomentRate)
        )
        let (epsilon, stepSize) = (splat(step.epsilon), splat(step.stepSize))
        let correction = splat(step.secondMomentCorrection)
        for i in 0..<count {
            let g = mean(sums.loadUnaligned(fromByteOffset: 32 * i, as: Lanes.self))
            let first = m[i].addingProduct(g - m[i], rate1)
            let second = (v[i] * decay2).addingProduct(rate2 * g, g)
            m[i] = first
            v[i] = second
            q[i] = p[i] - stepSize * (first / (square_root(second) / correction + epsilon))
        }
    }
}

/// √x of every lane, correctly rounded (IEEE 754).
@inline(__always)
package func squareRoots(of x: Lanes) -> Lanes { square_root(x) }
