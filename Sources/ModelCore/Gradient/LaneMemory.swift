// Memory for activations: vectors of lanes.
internal import Kernels

/// Gives out vectors of lanes, zero at first, aligned to 64 bytes; all are freed with it.
final class LaneMemory {
    private var pieces: [UnsafeMutablePointer<Lanes>] = []
    private(set) var byteCount = 0

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
