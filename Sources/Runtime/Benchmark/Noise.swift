// Memory for workloads: aligned, and full of values that exercise a kernel as real ones do. Never zeros or denormals only.
internal import Kernels
internal import ModelCore

/// `count` floats in ±1, the same in every run.
func noise(_ count: Int) -> ParameterBuffer {
    let buffer = ParameterBuffer(count: (count + laneCount - 1) / laneCount * laneCount)
    let stream = RandomStream(seed: 3, name: .latentNoise)
    for position in 0..<buffer.count { buffer.floats[position] = 2 * stream.uniform(at: position) - 1 }
    return buffer
}

/// Vectors of lanes in a buffer of floats.
struct LaneNoise {
    private let buffer: ParameterBuffer

    init(_ vectors: Int) { buffer = noise(vectors * laneCount) }

    /// Valid while this value lives; whoever hands it to a kernel in a closure keeps the value there.
    var start: UnsafeMutablePointer<Lanes> {
        UnsafeMutableRawPointer(buffer.floats).assumingMemoryBound(to: Lanes.self)
    }

    /// Makes every value one of 0, 1, 2, 3: the winners of pooling windows.
    func becomeWinners() {
        for position in 0..<buffer.count { buffer.floats[position] = Float(Int(buffer.floats[position] * 64) & 3) }
    }
}

/// Images of noise with targets, for any network: pixels [tower][example][784] of at most `examples` examples.
final class NoiseExamples {
    let examples: Int
    let pixels: UnsafeMutablePointer<UInt8>
    let targets: UnsafeMutablePointer<Int32>

    /// Targets are 0 and 1 by turns: a class, or whether a pair is of one class.
    init(_ examples: Int, towers: Int) {
        self.examples = examples
        let count = examples * towers * imagePixels
        pixels = .allocate(capacity: count)
        targets = .allocate(capacity: examples)
        let stream = RandomStream(seed: 4, name: .latentNoise)
        for position in 0..<count / 4 {
            let word = stream.bits(at: position)
            for byte in 0..<4 { pixels[4 * position + byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(byte))) }
        }
        for example in 0..<examples { targets[example] = Int32(example % 2) }
    }

    deinit {
        pixels.deallocate()
        targets.deallocate()
    }
}
