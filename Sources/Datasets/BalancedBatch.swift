// Batches of P classes with K images each, so that every image has partners and opponents in its batch (Hermans et al. 2017,
// section 2, "PK sampling"). A pure function of (labels, seed, epoch, batch).
import ModelCore

/// So many classes, and so many images of each.
package struct BatchBalance: Equatable, Sendable {
    package let classes: Int
    package let samples: Int

    package init(classes: Int, samples: Int) {
        precondition(classes > 0 && samples > 0, "\(classes) classes with \(samples) images each")
        self.classes = classes
        self.samples = samples
    }

    package var batchSize: Int { classes * samples }

    /// Images of batch number `batch` of an epoch: class by class, the classes drawn anew for every batch, and so are their images,
    /// without repetition where a class has enough.
    ///
    /// - Parameter count: at most `batchSize`: the last batch of an epoch may be short
    func images(ofBatch batch: Int, count: Int, _ index: ClassIndex, _ stream: RandomStream) -> [Int32] {
        var available = index.classes
        var images: [Int32] = []
        for slot in 0..<classes where images.count < count {
            let other = slot + stream.integer(at: batch, draw: slot, below: available.count - slot)
            available.swapAt(slot, other)
            let members = index.members(of: available[slot])
            let wanted = min(samples, count - images.count)
            images += draw(wanted, of: members, firstDraw: classes + slot * samples, batch, stream)
        }
        return images
    }

    /// Floyd's algorithm (Bentley & Floyd, CACM 30, 1987): each set of k members with the same probability, from k numbers.
    private func draw(
        _ wanted: Int, of members: ArraySlice<Int32>, firstDraw: Int, _ batch: Int, _ stream: RandomStream
    ) -> [Int32] {
        let distinct = min(wanted, members.count)
        var chosen: [Int] = []
        for (draw, last) in (members.count - distinct..<members.count).enumerated() {
            let candidate = stream.integer(at: batch, draw: firstDraw + draw, below: last + 1)
            chosen.append(chosen.contains(candidate) ? last : candidate)
        }
        return (0..<wanted).map { members[members.startIndex + chosen[$0 % distinct]] }
    }
}
