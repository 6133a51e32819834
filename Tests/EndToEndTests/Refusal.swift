// What every failure has in common: one clear line, its exit code, and nothing changed on the disk.
import Testing

/// Runs a command that must fail.
///
/// - Parameters:
///   - words: all must be in the one line of the failure
///   - untouched: whether everything in the workspace must be as before
func expectRefusal(
    _ arguments: [String], in workspace: Workspace, code: Int32, naming words: [String], untouched: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let before = try workspace.snapshot()
    let outcome = try run(arguments, in: workspace)
    expectFailure(outcome, code: code, naming: words, sourceLocation: sourceLocation)
    let after = try workspace.snapshot()
    guard untouched else { return }
    let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
    #expect(changed.isEmpty, "changed on the disk: \(changed.sorted())", sourceLocation: sourceLocation)
}

func expectFailure(
    _ outcome: Outcome, code: Int32, naming words: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(outcome.code == code, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, "standard output: \(outcome.output)", sourceLocation: sourceLocation)
    let opening = "siamese: "
    let failures = outcome.errorLines.filter { $0.hasPrefix(opening) }
    #expect(failures.count == 1, "not one line: \(outcome.errors)", sourceLocation: sourceLocation)
    for word in words {
        #expect(
            failures.first?.contains(word) == true, "'\(word)' is not in: \(outcome.errors)",
            sourceLocation: sourceLocation)
    }
    let others = outcome.errorLines.filter { !$0.hasPrefix(opening) && !$0.hasPrefix("note: ") }
    #expect(others.isEmpty, "more than the failure: \(others)", sourceLocation: sourceLocation)
}
