// Nearest neighbours for a few queries, and the index file: exact, and refused when damaged.
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct SearchTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func theNearestAreThoseOfTheDefinitionAlsoWithTies(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        // More than a task's vectors, at times.
        let count = random.happens(0.3) ? 9000 : 1 + random.below(300)
        let data = gridEmbeddings(count: count, dimensions: 2, classes: 3, side: 5, &random)
        let queries = Embeddings(
            dimensions: 2, values: Array(data.values.prefix(2 * min(count, 11))),
            labels: Array(data.labels.prefix(11)))
        let isSelfExcluded = random.happens(0.5)
        let wanted = 1 + random.below(30)
        for threads in [1, 3] {
            let found = nearest(
                wanted, to: queries, in: VectorPanels(data), excluded: isSelfExcluded ? Array(0..<queries.count) : nil,
                threads: threads)
            for query in 0..<queries.count {
                let expected = naiveOrder(query, queries, data, isSameSet: isSelfExcluded, distance: .euclidean)
                #expect(
                    found[query].map(\.index) == expected.prefix(wanted).map(\.index), "seed \(seed), query \(query)")
                #expect(found[query].map(\.square) == expected.prefix(wanted).map(\.square), "seed \(seed)")
            }
        }
    }

    /// The bytes of an index in memory that is aligned as a mapped file is.
    private final class Memory {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ content: [UInt8]) {
            bytes = .allocate(byteCount: max(content.count, 1), alignment: 64)
            bytes.copyBytes(from: content)
        }
        deinit { bytes.deallocate() }
    }

    private func decode(
        _ content: [UInt8]
    ) throws(IndexError) -> (identity: IndexIdentity, panels: VectorPanels, labels: [UInt8]) {
        let memory = Memory(content)
        return try IndexFormat.decode(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory.bytes)[..<content.count]), owner: memory)
    }

    private func sample(_ count: Int, dimensions: Int) -> (identity: IndexIdentity, data: Embeddings, bytes: [UInt8]) {
        var random = SplitMix64(seed: UInt64(count))
        let data = gridEmbeddings(count: count, dimensions: dimensions, classes: 4, side: 90, &random)
        let identity = IndexIdentity(
            model: (0..<32).map { UInt8($0) }, dataset: (0..<32).map { UInt8(255 - $0) }, isTest: count % 2 == 1,
            isNormalized: count % 3 == 1, dimensions: dimensions, count: count)
        let panels = VectorPanels(data)
        let parts = IndexFormat.encode(identity, panels, labels: data.labels)
        return (identity, data, parts.header + panels.withBytes { Array($0) } + parts.labels)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 64, 100]) func anIndexComesBackAsItWas(count: Int) throws {
        for dimensions in [1, 2, 5] {
            let (identity, data, bytes) = sample(count, dimensions: dimensions)
            #expect(bytes.count % 32 == 0)
            let found = try decode(bytes)
            #expect(found.identity == identity)
            #expect(found.labels == data.labels)
            let vectors = VectorPanels(data).withBytes { Array($0) }
            #expect(found.panels.withBytes { $0.elementsEqual(vectors) })
        }
    }

    @Test func everyDamagedByteIsSeen() throws {
        let (_, _, bytes) = sample(20, dimensions: 2)
        for index in bytes.indices {
            for flip: UInt8 in [1, 0x80] {
                var damaged = bytes
                damaged[index] ^= flip
                #expect(throws: IndexError.self, "byte \(index)") { try decode(damaged) }
            }
        }
        for length in [0, 1, 64, 127, 128, bytes.count - 1] {
            #expect(throws: IndexError.self, "\(length) bytes") { try decode(Array(bytes.prefix(length))) }
        }
        #expect(throws: IndexError.self) { try decode(bytes + [0]) }
    }
}
