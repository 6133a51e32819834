// Forward passes on several threads: the same bits as on one.
import Evaluation
import ModelCore
import Synchronization
import Testing

@Suite struct LatentSpaceTests {
    @Test func everyTaskRunsOnceAndAThreadNumberIsNeverSharedAtOnce() {
        for threads in [0, 1, 2, 7] {
            let counts = Mutex([Int](repeating: 0, count: 100))
            let busy = Mutex(Set<Int>())
            forEachTask(100, threads: threads) { task, thread in
                let isNew = busy.withLock { $0.insert(thread).inserted }
                #expect(isNew)
                counts.withLock { $0[task] += 1 }
                _ = busy.withLock { $0.remove(thread) }
            }
            let ran = counts.withLock { $0 }
            #expect(ran == [Int](repeating: 1, count: 100))
        }
    }

    @Test func pausesComeBetweenSlicesAndMayEndTheWork() {
        struct Enough: Error {}
        let done = Mutex(0)
        var pauses = 0
        #expect(throws: Enough.self) {
            try forEachTask(1000, threads: 2) {
                pauses += 1
                if pauses == 3 { throw Enough() }
            } _: { _, _ in
                done.withLock { $0 += 1 }
            }
        }
        #expect(pauses == 3)
        #expect(done.withLock { $0 } == 3 * 64)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 50]) func threadsDoNotChangeABit(count: Int) {
        let network = NetworkDescription(kind: .siameseContrastive)
        let parameters = ParameterLayout(network).initialParameters(seed: 2)
        let pixels = (0..<((count + 1) * imagePixels)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        let source: ExampleSource = { range, memory, targets in
            for (slot, example) in range.enumerated() {
                for tower in 0..<2 {
                    let to = (tower * range.count + slot) * imagePixels
                    for i in 0..<imagePixels { memory[to + i] = pixels[(example + tower) * imagePixels + i] }
                }
                targets[slot] = Int32(example % 2)
            }
        }
        func run(_ threads: Int) -> ([UInt32], LossSums) {
            let latents = pixels.withUnsafeBufferPointer {
                embed(network, at: parameters, pixels: $0.baseAddress!, count: count, threads: threads, pausing: {})
            }
            let sums = lossSums(network, at: parameters, count: count, threads: threads, pausing: {}, examples: source)
            return (latents.map(\.bitPattern), sums)
        }
        let one = run(1)
        #expect(one.0.count == 2 * count)
        #expect(one.1.examples == count)
        for threads in [2, 4] {
            let many = run(threads)
            #expect(many.0 == one.0)
            #expect(many.1 == one.1)
        }
    }
}
