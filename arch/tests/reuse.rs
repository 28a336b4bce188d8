//! Plans and stubs made in the memory of others are what they are in fresh memory.

mod random;

use callsmith_arch::abi::{self, Abi};
use callsmith_arch::isa::{self, Shape};
use callsmith_arch::plan::Room;
use random::rng::{Rng, count, seed};

#[test]
fn nothing_is_left_of_what_was_there_before() {
    let seed = seed();
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let (mut room, mut memory) = (Room::new(), Vec::new());
    for round in 0..count(3_000) {
        let abi = rng.pick(Abi::ALL);
        let signature = random::signature(&mut rng, abi);
        let plan = abi::classify_in(room, &signature).unwrap();
        assert_eq!(plan, abi::classify(&signature).unwrap(), "round {round}");
        for entry in abi.instruction_set().hosts() {
            for shape in [Shape::Slots, Shape::Gather] {
                memory = isa::stub_in(memory, &plan, shape, entry).unwrap();
                assert_eq!(memory, isa::stub(&plan, shape, entry).unwrap(), "round {round}\n{plan}");
            }
        }
        room = plan.into();
    }
}
