// The loss of a variational autoencoder: Kingma & Welling, "Auto-encoding variational Bayes" (ICLR 2014). Encoder outputs in, loss and
// gradients out; the encoder itself is `EncoderPass`, the decoder `DecoderPass`.
internal import Kernels

/// Reconstruction (equation 10, first term, with one sample and Bernoulli pixels, appendix C.1) + β · KL divergence (appendix B),
/// each summed over its dimensions, and over the examples.
///
/// With μ and λ = log σ² from the encoder and ε standard normal (draw k at the example's position): z = μ + e^(λ/2)·ε, and
/// KL = ½·Σ(μ² + e^λ − 1 − λ).
final class VariationalPass {
    private let network: NetworkDescription
    private let decoder: DecoderPass
    private let memory = LaneMemory()
    /// ε and σ of the examples, [dimension][lane].
    private let noise: LatentView
    private let deviation: LatentView
    /// Examples of the last loss: lanes from here on are empty.
    private var examples = 0

    init(_ network: NetworkDescription, layout: ParameterLayout) {
        self.network = network
        decoder = DecoderPass(network, layout: layout)
        let d = network.latentDimensions
        noise = LatentView(memory.vectors(d), dimensions: d)
        deviation = LatentView(memory.vectors(d), dimensions: d)
    }

    /// The loss, and its gradient by the logits, from where `backward` goes on.
    ///
    /// - Parameters:
    ///   - encoded: μ, then λ: [2·d][lane]
    ///   - targets: the pixels, 0…1: [784][lane]
    func loss(
        _ encoded: UnsafePointer<Lanes>, targets: UnsafePointer<Lanes>, of microbatch: Microbatch,
        at parameters: UnsafePointer<Float>
    ) -> LossSums {
        let d = network.latentDimensions
        let (mean, logVariance) = (LatentView(encoded, dimensions: d), LatentView(encoded + d, dimensions: d))
        let z = LatentView(decoder.latents, dimensions: d)
        let (stream, first) = network.noise.stream(
            of: microbatch.positions, training: .latentNoise, validation: .validationNoise)
        examples = microbatch.examples
        for lane in 0..<examples {
            for k in 0..<d {
                let sigma = exponential(0.5 * logVariance[0, k, lane])
                let epsilon = stream.standardNormal(at: first &+ lane, draw: k)
                deviation[0, k, lane] = sigma
                noise[0, k, lane] = epsilon
                z[0, k, lane] = mean[0, k, lane].addingProduct(sigma, epsilon)
            }
        }
        decoder.forward(parameters)
        let reconstruction = bernoulliLoss(
            rows: 28, width: 28, examples: examples, logits: decoder.logits, targets: targets,
            gradient: decoder.logitGradient)
        var sums = LossSums()
        for lane in 0..<examples {
            var divergence: Float = 0
            for k in 0..<d {
                let (m, s) = (mean[0, k, lane], deviation[0, k, lane])
                divergence += 0.5 * (m * m + (s * s - 1 - logVariance[0, k, lane]))
            }
            let kl = Double(divergence)
            sums.add(reconstruction[lane] + Double(network.beta) * kl, secondTerm: kl)
        }
        return sums
    }

    /// Writes the gradients of the decoder's parameters, and that of μ and λ, of the last loss.
    ///
    /// dL/dμ = dL/dz + β·μ; dL/dλ = ½·(dL/dz·ε·σ + β·(σ² − 1)).
    /// - Parameter encodedGradient: written, [2·d][lane]
    func backward(
        _ encoded: UnsafePointer<Lanes>, encodedGradient: UnsafeMutablePointer<Lanes>,
        at parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) {
        decoder.backward(parameters, into: gradient)
        let (d, beta) = (network.latentDimensions, network.beta)
        encodedGradient.update(repeating: .zero, count: 2 * d)
        let mean = LatentView(encoded, dimensions: d)
        let passed = LatentView(decoder.latentGradient, dimensions: d)
        let (toMean, toLogVariance) = (
            LatentView(encodedGradient, dimensions: d), LatentView(encodedGradient + d, dimensions: d)
        )
        for lane in 0..<examples {
            for k in 0..<d {
                let (g, s) = (passed[0, k, lane], deviation[0, k, lane])
                toMean[0, k, lane] = g.addingProduct(beta, mean[0, k, lane])
                toLogVariance[0, k, lane] = 0.5 * (g * noise[0, k, lane] * s).addingProduct(beta, s * s - 1)
            }
        }
    }
}
