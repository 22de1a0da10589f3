use super::{Head, NotAuthentic, Place, RootKey, Scope, SealedRow, SetSum, StoreKey, SystemKeys};
use crate::ids::StoreId;
use crate::testing::rng;

const STORE: StoreId = StoreId::from_bytes([7; 16]);
const OTHER: StoreId = StoreId::from_bytes([8; 16]);

fn system(seed: u64) -> SystemKeys {
    StoreKey::random(&mut rng(seed)).unwrap().system(&STORE)
}

fn place() -> Place {
    Place { key: [1; 16], parent: [2; 16], position: 3, revision: 4 }
}

fn sealed(keys: &SystemKeys) -> SealedRow {
    keys.records.seal(&STORE, Scope::System, &place(), b"primary", b"value", &mut rng(5)).unwrap()
}

#[test]
fn a_row_opens_at_its_place_and_nowhere_else() {
    let keys = system(1);
    let row = sealed(&keys);
    let opened = keys.records.open(&STORE, Scope::System, &place(), &row).unwrap();
    assert_eq!((opened.primary_key.as_slice(), opened.value.as_slice()), (&b"primary"[..], &b"value"[..]));
    let elsewhere = [
        Place { key: [9; 16], ..place() },
        Place { parent: [9; 16], ..place() },
        Place { position: 9, ..place() },
        Place { revision: 9, ..place() },
    ];
    for place in elsewhere {
        assert_eq!(keys.records.open(&STORE, Scope::System, &place, &row).err(), Some(NotAuthentic));
    }
    assert_eq!(keys.records.open(&OTHER, Scope::System, &place(), &row).err(), Some(NotAuthentic));
    assert_eq!(keys.records.open(&STORE, Scope::Content, &place(), &row).err(), Some(NotAuthentic));
    assert_eq!(system(2).records.open(&STORE, Scope::System, &place(), &row).err(), Some(NotAuthentic));
}

#[test]
fn no_bit_of_a_row_can_change() {
    let keys = system(1);
    let row = sealed(&keys);
    for bit in 0..(row.value.len() + 16) * 8 {
        let mut bytes = [row.value.as_slice(), &row.tag].concat();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let tag = bytes.split_off(row.value.len()).try_into().unwrap();
        let changed = SealedRow { value: bytes, tag };
        assert_eq!(keys.records.open(&STORE, Scope::System, &place(), &changed).err(), Some(NotAuthentic), "{bit}");
    }
    for length in 0..row.value.len() {
        let cut = SealedRow { value: row.value[..length].to_vec(), tag: row.tag };
        assert_eq!(keys.records.open(&STORE, Scope::System, &place(), &cut).err(), Some(NotAuthentic), "{length}");
    }
}

#[test]
fn the_same_row_is_never_sealed_the_same_way() {
    let keys = system(1);
    let again = keys.records.seal(&STORE, Scope::System, &place(), b"primary", b"value", &mut rng(6)).unwrap();
    assert_ne!(sealed(&keys).value, again.value);
}

#[test]
fn a_sealed_key_opens_under_its_root_store_and_name_only() {
    let (root, key) = (RootKey::random(&mut rng(1)).unwrap(), StoreKey::random(&mut rng(2)).unwrap());
    let sealed = root.seal(&STORE, &[3; 16], &key, &mut rng(3)).unwrap();
    let opened = root.open(&STORE, &[3; 16], &sealed).unwrap();
    let row = opened.records(&STORE).seal(&STORE, Scope::Content, &place(), b"", b"text", &mut rng(4)).unwrap();
    assert_eq!(*key.records(&STORE).open(&STORE, Scope::Content, &place(), &row).unwrap().value, b"text");
    assert_eq!(root.open(&OTHER, &[3; 16], &sealed).err(), Some(NotAuthentic));
    assert_eq!(root.open(&STORE, &[4; 16], &sealed).err(), Some(NotAuthentic));
    let another = RootKey::random(&mut rng(9)).unwrap();
    assert_eq!(another.open(&STORE, &[3; 16], &sealed).err(), Some(NotAuthentic));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(root.open(&STORE, &[3; 16], &changed).err(), Some(NotAuthentic), "{bit}");
    }
}

#[test]
fn sums_are_those_of_integers_modulo_two_to_the_256th() {
    let one = SetSum::from_bytes(std::array::from_fn(|i| u8::from(i == 31)));
    let top = SetSum::from_bytes([0xff; 32]);
    assert_eq!(top.plus(one), SetSum::ZERO);
    assert_eq!(SetSum::ZERO.minus(one), top);
    let mut draws = (0..64).map(|seed| SetSum::from_bytes(*crate::random::draw::<32>(&mut rng(seed)).unwrap()));
    while let (Some(a), Some(b)) = (draws.next(), draws.next()) {
        assert_eq!(a.plus(b), b.plus(a));
        assert_eq!(a.plus(b).minus(b), a);
        assert_eq!(a.minus(b).plus(b), a);
        let (low, overflow) = u128_low(a).overflowing_add(u128_low(b));
        assert_eq!(u128_low(a.plus(b)), low);
        let high = u128_high(a).wrapping_add(u128_high(b)).wrapping_add(u128::from(overflow));
        assert_eq!(u128_high(a.plus(b)), high);
    }
}

fn u128_low(sum: SetSum) -> u128 {
    u128::from_be_bytes(sum.as_bytes()[16..].try_into().unwrap())
}

fn u128_high(sum: SetSum) -> u128 {
    u128::from_be_bytes(sum.as_bytes()[..16].try_into().unwrap())
}

#[test]
fn a_head_is_signed_whole() {
    let keys = system(1);
    let head = Head { generation: 1, counter: 2, total: SetSum::from_bytes([3; 32]) };
    let mac = keys.sign_head(&STORE, &head);
    assert_eq!(keys.verify_head(&STORE, &head, &mac), Ok(()));
    for other in [
        Head { generation: 2, ..head },
        Head { counter: 1, ..head },
        Head { counter: 3, ..head },
        Head { total: SetSum::ZERO, ..head },
    ] {
        assert_eq!(keys.verify_head(&STORE, &other, &mac), Err(NotAuthentic));
    }
    assert_eq!(keys.verify_head(&OTHER, &head, &mac), Err(NotAuthentic));
}

#[test]
fn elements_of_the_set_depend_on_every_part_of_a_row() {
    let keys = system(1);
    let element = keys.in_set(&place(), &[5; 16]);
    for other in [
        Place { key: [9; 16], ..place() },
        Place { parent: [9; 16], ..place() },
        Place { position: 9, ..place() },
        Place { revision: 9, ..place() },
    ] {
        assert_ne!(keys.in_set(&other, &[5; 16]), element);
    }
    assert_ne!(keys.in_set(&place(), &[6; 16]), element);
    assert_ne!(keys.bucket(1, &element), keys.bucket(2, &element));
    assert_eq!(keys.bucket(1, &SetSum::ZERO), SetSum::ZERO);
}
