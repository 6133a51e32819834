// Vectors laid out for the distance kernel: eight of them in the lanes. Memory of its own, or a file mapped into memory.
package import Kernels
package import ModelCore

/// `count` vectors as [block][dimension][lane]; the lanes of the last block that have no vector are zero.
package final class VectorPanels: @unchecked Sendable {
    // Sendable: written in `init` only.
    package let dimensions: Int
    package let count: Int
    package let lanes: UnsafePointer<Lanes>
    package var blocks: Int { Self.blocks(of: count) }
    private let owner: AnyObject?
    private let memory: UnsafeMutablePointer<Lanes>?

    package static func blocks(of count: Int) -> Int { (count + laneCount - 1) / laneCount }

    package init(_ embeddings: Embeddings) {
        let (dimensions, count) = (embeddings.dimensions, embeddings.count)
        let size = max(Self.blocks(of: count) * dimensions, 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size * 32, alignment: 64)
            .bindMemory(to: Lanes.self, capacity: size)
        memory.initialize(repeating: .zero, count: size)
        let scalars = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Float.self)
        embeddings.values.withUnsafeBufferPointer { values in
            for vector in 0..<count {
                let target = scalars + vector / laneCount * dimensions * laneCount + vector % laneCount
                for k in 0..<dimensions { target[k * laneCount] = values[vector * dimensions + k] }
            }
        }
        self.dimensions = dimensions
        self.count = count
        self.memory = memory
        lanes = UnsafePointer(memory)
        owner = nil
    }

    /// Panels in memory of somebody else, who is kept alive. `lanes` is aligned to 32 bytes.
    package init(dimensions: Int, count: Int, lanes: UnsafePointer<Lanes>, owner: AnyObject) {
        self.dimensions = dimensions
        self.count = count
        self.lanes = lanes
        self.owner = owner
        memory = nil
    }

    deinit { memory?.deallocate() }

    /// The bytes of the panels, as they stand in an index file.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) {
            try body(UnsafeRawBufferPointer(start: lanes, count: blocks * dimensions * MemoryLayout<Lanes>.size))
        }
    }
}
