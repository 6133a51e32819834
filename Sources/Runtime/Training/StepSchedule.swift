// Which examples belong to which step: pure arithmetic over counts.

/// The steps of a run. Steps count from 1, epochs from 1.
package struct StepSchedule: Equatable {
    let examplesPerEpoch: Int
    let batchSize: Int
    package let totalSteps: Int
    /// Of all epochs, also where the run is to stop earlier.
    package let stepsOfAllEpochs: Int

    package init(examplesPerEpoch: Int, batchSize: Int, epochs: Int, maxSteps: Int?) {
        self.examplesPerEpoch = examplesPerEpoch
        self.batchSize = batchSize
        stepsOfAllEpochs = epochs * ((examplesPerEpoch + batchSize - 1) / batchSize)
        totalSteps = min(stepsOfAllEpochs, maxSteps ?? stepsOfAllEpochs)
    }

    /// The last step of an epoch may be short.
    package var stepsPerEpoch: Int { (examplesPerEpoch + batchSize - 1) / batchSize }

    package func epoch(of step: Int) -> Int { (step - 1) / stepsPerEpoch + 1 }

    /// Positions in the epoch's order.
    package func positions(of step: Int) -> Range<Int> {
        let first = (step - 1) % stepsPerEpoch * batchSize
        return first..<min(first + batchSize, examplesPerEpoch)
    }

    package func endsEpoch(_ step: Int) -> Bool { step % stepsPerEpoch == 0 }
}
