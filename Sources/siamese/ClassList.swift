// The classes that `evaluate --classes` keeps and `train --exclude-classes` leaves out. Whether a dataset has them is not seen here.
internal import ArgumentParser
internal import ModelCore

/// Different class numbers, with commas between them on the command line.
struct ClassList {
    /// Ascending.
    let classes: [UInt8]

    init(_ text: String) throws {
        var classes: [UInt8] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let label = UInt8(word), label < classCount else {
                throw ValidationError(
                    "'\(word)' is no class. Name numbers from 0 to \(classCount - 1) with commas between them, such as 7,8,9."
                )
            }
            guard !classes.contains(label) else { throw ValidationError("class \(label) is named twice.") }
            classes.append(label)
        }
        self.classes = classes.sorted()
    }
}
