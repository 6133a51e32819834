// A microbatch allocates nothing, whatever the network: neither its gradient nor its loss, nor embedding images.
import AllocationCounter
import ModelCore
import Testing

/// Blocks that `body` allocates on this thread.
private func allocations(_ body: () -> Void) -> Int {
    allocation_counter_start()
    body()
    return allocation_counter_stop()
}

@Suite struct AllocationTests {
    /// Without this, the zeros of the other tests would show nothing.
    @Test func allocationsAreCounted() {
        var kept: [AnyObject] = []
        kept.reserveCapacity(3)
        let objects = allocations { for _ in 0..<3 { kept.append(ParameterBuffer(count: 8)) } }
        #expect(objects == 6, "three objects, each with a buffer")
        let aligned = allocations { UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096).deallocate() }
        #expect(aligned == 1)
        let none = allocations {}
        #expect(none == 0)
    }

    @Test(arguments: NetworkKind.ofExamples, Architecture.allCases)
    func aGradientAllocatesNothing(kind: NetworkKind, architecture: Architecture) {
        let computer = MicrobatchGradient(NetworkDescription(kind: kind, architecture: architecture))
        let batch = SyntheticBatch(kind, examples: microbatchSize)
        let parameters = computer.layout.initialParameters(seed: 1)
        let gradient = ParameterBuffer(count: computer.layout.paddedCount)
        let count = batch.withMicrobatch { microbatch in
            // The first loss without a gradient allocates where it leaves the head's.
            _ = computer.loss(of: microbatch, at: parameters.floats)
            return allocations {
                for _ in 0..<100 {
                    _ = computer.gradient(of: microbatch, at: parameters.floats, into: gradient.floats)
                    _ = computer.loss(of: microbatch, at: parameters.floats)
                }
            }
        }
        #expect(count == 0)
    }

    @Test(arguments: [1, Embedder.capacity]) func embeddingAllocatesNothing(images: Int) {
        let network = NetworkDescription(kind: .triplet)
        let embedder = Embedder(network)
        let parameters = ParameterLayout(network).initialParameters(seed: 1)
        let batch = SyntheticBatch(.embeddingClassification, examples: images)
        let latents = ParameterBuffer(count: images * network.latentDimensions)
        let count = batch.withMicrobatch(0..<1) { microbatch in
            allocations {
                for _ in 0..<100 {
                    embedder.embed(microbatch.pixels, images: images, at: parameters.floats, into: latents.floats)
                }
            }
        }
        #expect(count == 0)
    }
}
