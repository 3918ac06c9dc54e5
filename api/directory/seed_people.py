"""The people of the demo: names from many places, bodies of many kinds. Invented; any likeness is chance."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class Person:
    """A member as the demo knows them. `max_heart_rate_bpm` is measured where it is given."""

    name: str
    sex: Literal["female", "male"]
    birth_date: date
    mass_kg: float
    resting_heart_rate_bpm: int
    max_heart_rate_bpm: int | None
    threshold_heart_rate_bpm: int | None
    ftp_watts: int

    @property
    def email(self) -> str:
        return address_of(self.name)


LETTERS = str.maketrans("áéíóúñńüöäåøłżčšşığçãêâ", "aeiounnuoaaolzcssigcaea")


def address_of(name: str) -> str:
    """An address under a domain that can never receive mail."""
    return name.lower().translate(LETTERS).replace("'", "").replace(" ", ".") + "@demo.paceline.example"


# name; sex; born; kg; resting; measured maximum (0: not measured); threshold (0: not measured); FTP
_TABLE = """
Amara Okafor; f; 1991-03-14; 63.5; 54; 189; 168; 205
Lukas Brandt; m; 1988-11-02; 81.0; 51; 186; 167; 268
Mei-Ling Chen; f; 1996-07-21; 54.2; 58; 195; 174; 172
Diego Fernández; m; 1984-01-30; 77.4; 56; 182; 0; 231
Priya Raman; f; 1989-09-09; 58.0; 61; 0; 0; 158
Tomasz Wójcik; m; 1979-05-18; 88.6; 62; 178; 158; 224
Fatima El Amrani; f; 1993-12-05; 60.8; 57; 191; 0; 181
Jonas Lindqvist; m; 1995-02-11; 74.9; 46; 194; 176; 312
Sofia Rossi; f; 1986-06-27; 56.7; 55; 184; 165; 196
Kwame Mensah; m; 1990-10-16; 83.2; 53; 188; 0; 262
Hannah Goldberg; f; 1977-04-08; 66.1; 63; 176; 0; 149
Yuki Tanaka; f; 1998-08-19; 51.9; 52; 197; 178; 188
Omar Haddad; m; 1982-03-03; 85.5; 60; 0; 0; 215
Ingrid Solberg; f; 1985-12-24; 68.4; 48; 185; 168; 226
Mateus Oliveira; m; 1994-05-07; 79.1; 55; 192; 0; 254
Chloé Martin; f; 1992-01-17; 59.3; 56; 190; 171; 189
Rajesh Iyer; m; 1975-07-29; 76.8; 66; 174; 0; 178
Zofia Kamińska; f; 1999-11-13; 57.5; 59; 198; 0; 167
Andre Williams; m; 1987-09-22; 94.3; 58; 187; 166; 283
Nadia Petrova; f; 1981-02-15; 62.7; 60; 180; 161; 171
Liam O'Connor; m; 1997-06-04; 72.6; 47; 196; 179; 301
Aisha Bello; f; 1990-04-26; 70.9; 62; 0; 0; 153
Viktor Horváth; m; 1973-10-10; 90.2; 64; 171; 0; 192
Elena Popescu; f; 1988-08-01; 55.6; 54; 187; 169; 184
Samuel Adeyemi; m; 1993-03-20; 80.7; 50; 191; 173; 289
Freya Jensen; f; 1995-09-30; 64.4; 49; 193; 175; 233
Bilal Yilmaz; m; 1985-12-12; 82.8; 59; 183; 0; 222
Grace Kim; f; 1983-05-05; 53.3; 57; 182; 0; 164
Marco Bianchi; m; 1969-01-25; 78.5; 61; 168; 149; 203
Leila Karimi; f; 1994-07-14; 58.9; 56; 0; 0; 176
Noah Schneider; m; 2001-02-28; 71.2; 52; 201; 181; 277
Camila Torres; f; 1997-10-07; 61.4; 58; 196; 0; 169
Patrick Dubois; m; 1976-06-16; 87.0; 63; 175; 155; 211
Sina Keller; f; 1991-11-23; 65.8; 53; 189; 170; 208
Thabo Nkosi; m; 1989-04-12; 76.3; 49; 188; 170; 274
Emily Carter; f; 1971-08-18; 69.7; 65; 0; 0; 138
Hiroshi Sato; m; 1980-03-09; 70.1; 55; 181; 162; 219
Beatriz Almeida; f; 1996-12-31; 57.1; 57; 195; 0; 173
Oskar Virtanen; m; 1992-05-24; 84.7; 48; 190; 172; 305
Ruth Achieng; f; 1987-02-06; 52.6; 45; 187; 171; 214
Daniel Weiss; m; 1966-09-15; 82.1; 60; 165; 0; 184
Marta Nowak; f; 1984-10-28; 63.0; 58; 183; 164; 187
Ethan Brooks; m; 2000-07-01; 78.8; 54; 199; 0; 258
Anjali Desai; f; 1998-01-09; 56.2; 60; 197; 0; 161
Pavel Novák; m; 1978-12-19; 86.4; 59; 177; 157; 227
Isabel Navarro; f; 1974-04-02; 64.9; 62; 173; 0; 151
Jamal Carter; m; 1995-08-08; 89.5; 52; 193; 174; 296
Linnea Berg; f; 1989-06-12; 61.7; 50; 188; 170; 217
"""


def _read(line: str) -> Person:
    name, sex, born, mass, resting, highest, threshold, ftp = (part.strip() for part in line.split(";"))
    return Person(
        name=name,
        sex="female" if sex == "f" else "male",
        birth_date=date.fromisoformat(born),
        mass_kg=float(mass),
        resting_heart_rate_bpm=int(resting),
        max_heart_rate_bpm=int(highest) or None,
        threshold_heart_rate_bpm=int(threshold) or None,
        ftp_watts=int(ftp),
    )


MEMBERS: tuple[Person, ...] = tuple(_read(line) for line in _TABLE.strip().splitlines())
STAFF: tuple[tuple[str, str], ...] = (
    ("trainer", "Nora Lindgren"),
    ("trainer", "Mateo Silva"),
    ("observer", "Ayumi Kobayashi"),
    ("admin", "Robin Falk"),
)
