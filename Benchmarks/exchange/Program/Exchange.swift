// `exchange coordinator` and `exchange workers`: the two processes of Benchmarks/coordinator.
internal import ArgumentParser

@main
struct ExchangeProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchange", abstract: "A real coordinator against workers that compute nothing.",
        subcommands: [CoordinatorRole.self, WorkersRole.self])
}
