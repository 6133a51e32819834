// Checks of options that commands share. Each throws a sentence that names the option and says what it may be.
internal import ArgumentParser
internal import ModelCore

/// Refuses a number outside of its range; nil is not given.
func require(_ option: String, _ value: Int?, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) must be from \(range.lowerBound) to \(range.upperBound), not \(value).")
}

/// Refuses an empty text where a file or a folder is to be named; nil is not given.
func require(_ option: String, _ text: String?, names thing: String) throws {
    guard text?.isEmpty == true else { return }
    throw ValidationError("\(option) must name \(thing).")
}

/// Refuses an option that was given for a network to which it means nothing.
///
/// - Parameter isMeant: the networks to which it means something
func require(
    _ option: String, isGiven: Bool, for network: NetworkKind, where isMeant: (NetworkKind) -> Bool
) throws {
    guard isGiven, !isMeant(network) else { return }
    var names = NetworkKind.allCases.filter(isMeant).map(\.rawValue)
    let last = names.removeLast()
    let list = names.isEmpty ? last : "\(names.joined(separator: ", ")) and \(last)"
    throw ValidationError("\(option) is for \(list), not for \(network.rawValue).")
}
