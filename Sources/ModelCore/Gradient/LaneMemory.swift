// Memory for activations: vectors of lanes.
internal import Kernels

/// Gives out vectors of lanes, zero at first, aligned to 64 bytes; all are freed with it.
final class LaneMemory {
    private var pieces: [UnsafeMutablePointer<Lanes>] = []
    /// Of what is its own.
    private(set) var byteCount = 0
    /// Whose scratch vectors are used.
    private let lender: LaneMemory?
    private var scratch: [UnsafeMutablePointer<Lanes>] = []

    /// - Parameter lender: memory of the same layout whose scratch vectors serve here too; never used at the same time
    init(scratchOf lender: LaneMemory? = nil) { self.lender = lender?.lender ?? lender }

    /// Vectors whose content nobody needs between two calls.
    func scratchVectors(_ count: Int) -> UnsafeMutablePointer<Lanes> {
        let vectors = lender.map { $0.scratch[scratch.count] } ?? vectors(count)
        scratch.append(vectors)
        return vectors
    }

    func vectors(_ count: Int) -> UnsafeMutablePointer<Lanes> {
        let start = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Lanes>.stride, alignment: 64)
            .bindMemory(to: Lanes.self, capacity: count)
        start.initialize(repeating: .zero, count: count)
        pieces.append(start)
        byteCount += count * MemoryLayout<Lanes>.stride
        return start
    }

    deinit {
        for piece in pieces { piece.deallocate() }
    }
}
