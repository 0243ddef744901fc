"""Names, streets and sentences, from which people and their wishes are made."""


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words(
    "Aaron Abigail Alicia Amara Andre Angela Anita Arjun Beatriz Benjamin Bianca "
    "Brandon Camila Carlos Carmen Charlotte Chen Claire Curtis Dana Daniel Deborah "
    "Diego Elena Elijah Emily Erik Esther Fatima Felix Frances Gabriel Grace Hannah "
    "Harold Helen Hiroshi Ibrahim Ines Isaac Ivy Jada Jamal James Janet Javier Joan "
    "Jonah Josephine Karen Keisha Kenji Laila Laura Leon Linda Lucas Mai Marcus "
    "Margaret Maria Martin Mei Miguel Mina Nadia Naomi Nathan Nina Noah Olga Omar "
    "Owen Patricia Paul Priya Quentin Rachel Rafael Rosa Ruth Samira Samuel Sandra "
    "Sean Sofia Stefan Tamara Terrence Theresa Thomas Valeria Victor Vivian Walter "
    "Wendy Yasmin Yusuf Zoe"
)

LAST_NAMES = _words(
    "Abbott Aguilar Ahmed Alvarez Anderson Baker Barnes Begay Bennett Brooks Bui "
    "Caldwell Campbell Castillo Chavez Cho Clark Coleman Cruz Dang Davis Delgado Diaz "
    "Dixon Duncan Edwards Ellis Espinoza Evans Fischer Fisher Flores Foster Garcia "
    "Gibson Gonzales Graham Grant Greene Gupta Hansen Harris Hayes Henderson Hernandez "
    "Hill Holloway Hughes Ibarra Jackson Jensen Johnson Kaplan Kelly Khan Kim King "
    "Kowalski Lambert Larsen Lee Lopez Marsh Martinez Mason McCoy Mendoza Meyer Miller "
    "Moore Morales Morgan Murphy Nakamura Nelson Nguyen Novak Ochoa Okafor Olsen Ortiz "
    "Park Parker Patel Perez Peterson Pham Phillips Quinn Ramirez Reed Reyes Rivera "
    "Robinson Romero Rossi Russell Salazar Sanders Schmidt Scott Shah Silva Simmons "
    "Singh Smith Soto Stewart Sullivan Tanaka Taylor Thompson Torres Tran Turner "
    "Vargas Vasquez Walker Wallace Ward Washington Watson Webb Wheeler Williams Wilson "
    "Wong Wright Wu Yazzie Young Zhang Zimmerman"
)

BUSINESSES = (
    "Dental Care",
    "Family Bakery",
    "Veterinary Clinic",
    "Print Shop",
    "Yoga Studio",
    "Bookstore",
    "Day Care",
    "Barber Shop",
)

STREETS = (
    "Acacia Ave",
    "Alder St",
    "Aspen Way",
    "Birch St",
    "Canyon Rd",
    "Cedar Ln",
    "Chestnut St",
    "Clover Ct",
    "Cottonwood Dr",
    "Cypress Ave",
    "Elm St",
    "Garden Ave",
    "Harvest Ln",
    "Hazel St",
    "Highland Ave",
    "Hillcrest Dr",
    "Juniper St",
    "Lake View Rd",
    "Laurel St",
    "Linden Ave",
    "Magnolia Dr",
    "Maple Ave",
    "Meadow Ln",
    "Mesa Dr",
    "Mission Ct",
    "Mulberry St",
    "Oak St",
    "Orchard Rd",
    "Palm Ln",
    "Park Ave",
    "Pecan St",
    "Pine St",
    "Poplar St",
    "Prairie Rd",
    "Redwood Ct",
    "Ridge Rd",
    "River Rd",
    "Sage Ct",
    "Spring St",
    "Spruce Ave",
    "Summit Dr",
    "Sunset Dr",
    "Sycamore St",
    "Valley View Dr",
    "Walnut St",
    "Willow Way",
    "Winding Creek Ln",
    "Yucca St",
)
STREET_SIDES = ("N", "S", "E", "W", "", "")
UNITS = ("Apt 4", "Unit B", "Apt 112", "Suite 200", "Unit 7")

ACCESS_NOTES = (
    "Gate code 4417#.",
    "Dog in the yard, friendly.",
    "Ring at the side door.",
    "Unit is on the roof; ladder needed.",
    "Park in the alley, please.",
    "Furnace is in the attic.",
)

LEAD_MESSAGES = (
    "It runs all day and the house stays warm.",
    "Our furnace starts, then shuts off after a minute.",
    "Could somebody look at the noise from the outdoor unit?",
    "We would like a quote for a new system before summer.",
    "Water under the air handler since yesterday.",
    "The thermostat screen is blank.",
    "Annual check, please. Mornings are best.",
    "Second opinion on a compressor quote.",
    "Bedroom upstairs is ten degrees off.",
    "Bought the house in spring; no idea when it was last serviced.",
    "",
)
LEAD_SOURCES = ("website", "website", "website", "phone", "referral", "google-ads")

DISMISSALS = (
    "Outside our area; gave the number of a colleague.",
    "Chose another company.",
    "No answer after three calls.",
    "Spam.",
    "Asked for plumbing work.",
)
CANCELLATIONS = (
    "Customer fixed it.",
    "Customer found another company.",
    "Customer is travelling.",
    "House was sold.",
    "Part is on back order; will call again.",
)
NO_SHOWS = ("Nobody at home, phone not answered.", "Gate locked, no answer.")
INCOMPLETE = ("Part has to be ordered.", "Attic not accessible today.")
