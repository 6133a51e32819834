// Which images are in which class, so that a uniform draw from a class, or from all others, is one random number.

/// Images grouped by class, with the place of every image in that grouping.
struct ClassIndex: Sendable {
    /// All images, class by class, in ascending order within a class.
    private let grouped: [Int32]
    /// Class c occupies `grouped[starts[c]..<starts[c + 1]]`; 257 entries.
    private let starts: [Int]
    /// `grouped[places[i]] == i`.
    private let places: [Int32]
    private let labels: [UInt8]

    init(labels: [UInt8]) {
        var starts = [Int](repeating: 0, count: 257)
        for label in labels { starts[Int(label) + 1] += 1 }
        for label in 1...256 { starts[label] += starts[label - 1] }
        var next = starts
        var grouped = [Int32](repeating: 0, count: labels.count)
        var places = grouped
        for (image, label) in labels.enumerated() {
            grouped[next[Int(label)]] = Int32(image)
            places[image] = Int32(next[Int(label)])
            next[Int(label)] += 1
        }
        self.grouped = grouped
        self.starts = starts
        self.places = places
        self.labels = labels
    }

    /// Classes that have images, ascending.
    var classes: [UInt8] { (0...UInt8.max).filter { !members(of: $0).isEmpty } }

    func members(of label: UInt8) -> ArraySlice<Int32> {
        grouped[starts[Int(label)]..<starts[Int(label) + 1]]
    }

    /// How many other images have the class of `image`.
    func peerCount(of image: Int32) -> Int { range(of: image).count - 1 }

    /// The k-th of the other images of the same class, 0 ≤ k < `peerCount`.
    func peer(_ k: Int, of image: Int32) -> Int32 {
        let place = range(of: image).lowerBound + k
        return grouped[place < Int(places[Int(image)]) ? place : place + 1]
    }

    /// How many images have another class than `image`.
    func strangerCount(of image: Int32) -> Int { grouped.count - range(of: image).count }

    /// The k-th of the images of all other classes, 0 ≤ k < `strangerCount`.
    func stranger(_ k: Int, of image: Int32) -> Int32 {
        let own = range(of: image)
        return grouped[k < own.lowerBound ? k : k + own.count]
    }

    private func range(of image: Int32) -> Range<Int> {
        let label = Int(labels[Int(image)])
        return starts[label]..<starts[label + 1]
    }
}
