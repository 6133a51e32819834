// The root of all tests that run the built program. One at a time: they measure nothing, but each starts several processes.
import Testing

@Suite(.serialized) enum EndToEnd {}

/// The networks, by the names of the command line.
let networks = ["embedding-classification", "siamese-contrastive", "siamese-binary-cross-entropy", "triplet", "vae"]

/// Arguments of a short run on the workspace's own data. A batch of 44 leaves a ragged last microbatch in every step, and 600
/// images a short last step in every epoch.
func training(
    _ network: String, in workspace: Workspace, steps: Int = 60, output: String? = nil, _ more: String...
) -> [String] {
    [
        network, "FashionMNIST", "--data", workspace.data, "--output", output ?? workspace.output, "--batch-size",
        "44", "--epochs", "1000", "--max-steps", "\(steps)", "--log-interval", "7",
    ] + more
}
