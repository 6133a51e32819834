// `exchange coordinator`, `exchange relay` and `exchange workers`: the processes of Benchmarks/coordinator and Benchmarks/scaling.
internal import ArgumentParser

@main
struct ExchangeProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchange", abstract: "A real coordinator against workers that compute nothing.",
        subcommands: [CoordinatorRole.self, RelayRole.self, WorkersRole.self])
}
