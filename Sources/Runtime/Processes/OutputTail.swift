// The last bytes of what a program said. Not a log: what came before is dropped.

/// Keeps the last `limit` bytes appended to it, and never more than twice as many in memory.
struct OutputTail {
    let limit: Int
    private var bytes: [UInt8] = []
    private var isCut = false

    init(limit: Int = 16 << 10) {
        self.limit = limit
    }

    mutating func append(_ more: ArraySlice<UInt8>) {
        bytes += more
        guard bytes.count > 2 * limit else { return }
        trim()
    }

    private mutating func trim() {
        guard bytes.count > limit else { return }
        bytes.removeFirst(bytes.count - limit)
        isCut = true
    }

    /// The text kept, from the beginning of a line on if something before it was dropped.
    var text: String {
        var kept = self
        kept.trim()
        var visible = kept.bytes[...]
        if kept.isCut, let lineEnd = visible.firstIndex(of: UInt8(ascii: "\n")), lineEnd + 1 < visible.endIndex {
            visible = visible[(lineEnd + 1)...]
        }
        return String(decoding: visible, as: UTF8.self)
    }
}
